/** The first thing on the page: a verdict per claim, with its figures, its criterion and a strip of single values. */
import {
  formatCount,
  formatNumber,
  formatRange,
  formatSigned,
  unitSuffix,
} from "../format.ts";
import type { Claim, ReportValue, Sample } from "../value.ts";
import { explainFormula, sayVerdict, summarizeClaims } from "../summary.ts";
import { html, trustedMarkup } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { renderStrip } from "./strip.ts";

/** Shapes differ too, for readers who do not see the colours. */
const ICONS = {
  good: trustedMarkup(
    '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8.5l3.2 3.2L13 4.8"/></svg>',
  ),
  bad: trustedMarkup(
    '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M4 4l8 8M12 4l-8 8"/></svg>',
  ),
  open: trustedMarkup(
    '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8h10"/></svg>',
  ),
} as const;

const LOOKS = {
  holds: "good",
  reproduced: "good",
  better: "good",
  fails: "bad",
  "not reproduced": "bad",
  worse: "bad",
  undecided: "open",
} as const;

/** A verdict as a word with its sign. */
export function renderVerdict(verdict: keyof typeof LOOKS): Markup {
  const look = LOOKS[verdict];
  return html`<span class="verdict ${look}">${ICONS[look]}${verdict}</span>`;
}

export function renderClaims(claims: ReportValue["claims"]): Markup | null {
  if (claims.length === 0) return null;
  return html`<section aria-labelledby="claims">
    <h2 id="claims">${summarizeClaims(claims)}</h2>
    <p class="note">Criteria were fixed in the pipeline file before the run.</p>
    ${claims.map(renderClaim)}
  </section>`;
}

function renderClaim(claim: Claim, index: number): Markup {
  const { sample } = claim;
  return html`<article class="claim">
    <div>
      <p class="kicker">
        ${renderVerdict(sayVerdict(claim))}<span>${claim.name}</span>
      </p>
      <h3>${claim.text}</h3>
      ${sample ? renderFigure(claim, sample) : html`<p>Not measured.</p>`}
      <ul class="criteria">
        ${claim.criteria.map(
          ({ words, found, verdict }) =>
            html`<li class="${LOOKS[verdict]}">
              ${ICONS[LOOKS[verdict]]}<span
                >${words}<b class="num">${found}</b></span
              >
            </li>`,
        )}
      </ul>
      ${
        claim.missing.length === 0
          ? null
          : html`<p class="note">${claim.missing.join("; ")}</p>`
      }
      ${
        claim.source === null
          ? null
          : html`<p class="note">Source: ${claim.source}</p>`
      }
    </div>
    ${sample ? renderStrip(claim, sample, `claim-${index}`) : null}
  </article>`;
}

function renderFigure(claim: Claim, sample: Sample): Markup {
  const { digits, unit, paired, arms } = claim;
  const say = paired ? formatSigned : formatNumber;
  const interval = sample.interval
    ? html`95&nbsp;% interval
        <span class="num">${formatRange(sample.interval, digits, paired)}</span
        >,`
    : null;
  const [left, right] = arms;
  return html`<p class="figure">
      <b class="num">${say(sample.mean, digits)}</b
      ><span>${unitSuffix(unit)}</span>
    </p>
    <p class="detail">
      ${interval} ${formatCount(sample.n, claim.over)}
      ${
        claim.formula !== null
          ? html`<br />${explainFormula(claim)}`
          : left?.sample && right?.sample
            ? html`<br />${left.label}
                <b class="num">${formatNumber(left.sample.mean, digits)}</b>,
                ${right.label}
                <b class="num">${formatNumber(right.sample.mean, digits)}</b>`
            : null
      }
    </p>`;
}
