/** The strip under a claim: single values as dots, mean with its 95 % interval, criteria as dashed lines. */
import { formatNumber, formatSigned, unitSuffix } from "../format.ts";
import type { Claim, Criterion, Sample } from "../value.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { createScale } from "./scale.ts";
import type { Scale } from "./scale.ts";

const WIDTH = 340;
const PAD = 22;
const LABEL_ROW = 16;
/** Of the labels' font (12 px), generously. */
const CHARACTER_WIDTH = 7;
const SUBJECTS = { mean: "mean", every: "every", ci95: "interval" } as const;
const SIGNS = { atLeast: "≥", above: ">", atMost: "≤", below: "<" } as const;

type Limit = { readonly value: number; readonly label: string };

export function renderStrip(claim: Claim, sample: Sample, id: string): Markup {
  // From left to right and from top to bottom: a label, which stands right of its line, meets no other line.
  const limits = claim.criteria
    .flatMap(limitsOf(claim))
    .toSorted((a, b) => a.value - b.value);
  const numbers = sample.values.map(({ value }) => value);
  const scale = createScale({
    values: [
      ...numbers,
      ...(sample.interval ?? []),
      ...limits.map(({ value }) => value),
      ...(claim.paired ? [0] : []),
    ],
    from: PAD,
    to: WIDTH - PAD,
    count: 5,
  });
  const top = limits.length * LABEL_ROW + 8;
  const axis = top + 58;
  const say = claim.paired ? formatSigned : formatNumber;
  const listed = sample.values
    .map(({ at, value }) => `${at}: ${say(value, claim.digits)}`)
    .join(", ");
  return html`<figure class="strip">
    <svg
      role="img"
      viewBox="0 0 ${WIDTH} ${axis + 24}"
      aria-labelledby="${id}-title ${id}-desc"
    >
      <title id="${id}-title">Values by ${claim.over}</title>
      <desc id="${id}-desc">${listed}</desc>
      ${renderAxis(scale, axis, claim)}
      ${limits.map((limit, row) => renderLimit(limit, row, scale, axis))}
      ${renderMean(sample, scale, top + 18)}
      ${sample.values.map(
        ({ at, value }) =>
          html`<circle
            class="dot"
            cx="${scale.at(value)}"
            cy="${top + 40}"
            r="5"
          >
            <title>${claim.over} ${at}: ${say(value, claim.digits)}</title>
          </circle>`,
      )}
    </svg>
    <figcaption>
      ${claim.paired ? "Difference" : "Value"}${unitSuffix(
        claim.unit === "" ? "" : `in ${claim.unit}`,
      )}:
      a dot per ${claim.over}, the mean with its 95&nbsp;% interval, and the
      criterion (dashed).
    </figcaption>
  </figure>`;
}

function limitsOf(claim: Claim) {
  return ({ of, bound }: Criterion): Limit[] =>
    Object.entries(SIGNS).flatMap(([name, sign]) => {
      const value = bound[name as keyof typeof SIGNS];
      return value === undefined
        ? []
        : [
            {
              value,
              label: `${SUBJECTS[of]} ${sign} ${formatNumber(value, claim.digits)}`,
            },
          ];
    });
}

function renderAxis(scale: Scale, y: number, claim: Claim): Markup {
  const zero = scale.at(0);
  return html`<line
      class="axis"
      x1="${PAD}"
      x2="${WIDTH - PAD}"
      y1="${y}"
      y2="${y}"
    />
    ${
      claim.paired
        ? html`<line class="axis" x1="${zero}" x2="${zero}" y1="4" y2="${y}" />`
        : null
    }
    ${scale.ticks.map(
      (tick) =>
        html`<line
            class="axis"
            x1="${scale.at(tick)}"
            x2="${scale.at(tick)}"
            y1="${y}"
            y2="${y + 4}"
          />
          <text x="${scale.at(tick)}" y="${y + 18}" text-anchor="middle">
            ${
              claim.paired
                ? formatSigned(tick, scale.digits)
                : formatNumber(tick, scale.digits)
            }
          </text>`,
    )}`;
}

function renderLimit(
  { value, label }: Limit,
  row: number,
  scale: Scale,
  axis: number,
): Markup {
  const x = scale.at(value);
  const y = 13 + row * LABEL_ROW;
  const isRight = x + 5 + label.length * CHARACTER_WIDTH > WIDTH;
  return html`<line
      class="limit"
      x1="${x}"
      x2="${x}"
      y1="${y - 9}"
      y2="${axis}"
    />
    <text
      class="limit-label"
      x="${isRight ? x - 5 : x + 5}"
      y="${y}"
      text-anchor="${isRight ? "end" : "start"}"
      >${label}</text
    >`;
}

function renderMean(sample: Sample, scale: Scale, y: number): Markup {
  const x = scale.at(sample.mean);
  const [low, high] = sample.interval ?? [sample.mean, sample.mean];
  return html`<line
      class="whisker"
      x1="${scale.at(low)}"
      x2="${scale.at(high)}"
      y1="${y}"
      y2="${y}"
    />
    <path class="mean" d="M${x} ${y - 7}l6 7l-6 7l-6 -7z" />`;
}
