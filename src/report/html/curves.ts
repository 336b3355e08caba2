/** Learning curves as inline SVG: faint runs, a strong mean, labels at the ends of the lines. */
import { formatNumber, unitSuffix } from "../format.ts";
import type { Curve, ReportValue } from "../value.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";
import type { Palette } from "./palette.ts";
import { createScale, spreadLabels } from "./scale.ts";
import type { Scale } from "./scale.ts";
import { renderScrollBox } from "./tables.ts";

const WIDTH = 400;
const HEIGHT = 256;
const TOP = 24;
const BOTTOM = HEIGHT - 34;
const LEFT = 42;
const MAX_LABEL = 14;
const LINE_HEIGHT = 14;
/** Of the labels' font (12 px), generously. */
const CHARACTER_WIDTH = 7;

type Points = readonly (readonly [number, number])[];

export function renderCurves(
  curves: ReportValue["curves"],
  palette: Palette,
): Markup | null {
  if (curves.length === 0) return null;
  return html`<section aria-labelledby="curves">
    <h2 id="curves">Learning curves</h2>
    <div class="charts">
      ${curves.map((curve, index) => renderCurve(curve, index, palette))}
    </div>
  </section>`;
}

function renderCurve(curve: Curve, index: number, palette: Palette): Markup {
  const id = `curve-${index}`;
  const right = WIDTH - labelSpace(curve);
  const all = curve.lines.flatMap(({ mean, runs }) => [
    ...mean,
    ...runs.flatMap(({ points }) => points),
  ]);
  const x = createScale({
    values: [0, ...all.map(([step]) => step)],
    from: LEFT,
    to: right,
    count: 5,
  });
  const y = createScale({
    values: all.map(([, value]) => value),
    from: BOTTOM,
    to: TOP,
    count: 5,
  });
  return html`<figure class="chart">
    <figcaption>
      <b>${curve.title}</b> <span class="note">${describe(curve)}</span>
    </figcaption>
    <svg
      role="img"
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      aria-labelledby="${id}-title ${id}-desc"
    >
      <title id="${id}-title">${curve.title}</title>
      <desc id="${id}-desc">${endsInWords(curve)}</desc>
      ${renderAxes(x, y, right, curve)}
      ${curve.lines.map(({ label, mean, runs }) => {
        const faint = runs.length > 1 ? runs : [];
        return html`<g class="${palette(label)}">
          ${faint.map(({ points }) => html`<path class="run" d="${pathOf(points, x, y)}" />`)}
          <path class="line" d="${pathOf(mean, x, y)}" />
        </g>`;
      })}
      ${renderEnds(curve, x, y, palette)}
    </svg>
    ${renderData(curve)}
  </figure>`;
}

function describe({ lines, over, thinning }: Curve): string {
  const counts = lines.map(({ runs }) => runs.length);
  const parts = [
    ...(Math.max(...counts) > 1
      ? [`mean over ${over}; faint: single runs`]
      : []),
    ...(thinning > 1
      ? [`a point is the mean of ${thinning} logged steps`]
      : []),
  ];
  return parts.join("; ");
}

function endsInWords(curve: Curve): string {
  return curve.lines
    .map(({ label, mean }) => {
      const [step, value] = mean.at(-1) ?? [0, Number.NaN];
      return `${label}: ${curve.metric} ${formatNumber(value, curve.digits)} at step ${step}`;
    })
    .join("; ");
}

function shorten(label: string): string {
  return label.length > MAX_LABEL
    ? `${label.slice(0, MAX_LABEL - 1).trimEnd()}…`
    : label;
}

/** One line, or two broken at the last space that fits: the ends of labels tell lines apart. */
function wrapLabel(label: string): string[] {
  if (label.length <= MAX_LABEL) return [label];
  const space = label.lastIndexOf(" ", MAX_LABEL);
  return space < 1
    ? [shorten(label)]
    : [label.slice(0, space), shorten(label.slice(space + 1))];
}

function labelSpace({ lines }: Curve): number {
  const longest = Math.max(
    0,
    ...lines.flatMap(({ label }) =>
      wrapLabel(label).map(({ length }) => length),
    ),
  );
  return 14 + longest * CHARACTER_WIDTH;
}

function pathOf(points: Points, x: Scale, y: Scale): string {
  return points
    .map(
      ([step, value], index) =>
        `${index === 0 ? "M" : "L"}${x.at(step)} ${y.at(value)}`,
    )
    .join("");
}

function renderAxes(x: Scale, y: Scale, right: number, curve: Curve): Markup {
  return html`<text class="title" x="${LEFT}" y="12"
      >${curve.metric}${unitSuffix(curve.unit)}</text
    >
    ${y.ticks.map(
      (tick) =>
        html`<line
            class="grid"
            x1="${LEFT}"
            x2="${right}"
            y1="${y.at(tick)}"
            y2="${y.at(tick)}"
          />
          <text x="${LEFT - 7}" y="${y.at(tick) + 4}" text-anchor="end"
            >${formatNumber(tick, y.digits)}</text
          >`,
    )}
    ${x.ticks.map(
      (tick) =>
        html`<line
            class="axis"
            x1="${x.at(tick)}"
            x2="${x.at(tick)}"
            y1="${BOTTOM}"
            y2="${BOTTOM + 4}"
          />
          <text x="${x.at(tick)}" y="${BOTTOM + 18}" text-anchor="middle"
            >${formatSteps(tick)}</text
          >`,
    )}
    <text class="title" x="${WIDTH - labelSpace(curve) + 26}" y="${BOTTOM + 18}"
      >steps</text
    >
    <line
      class="axis"
      x1="${LEFT}"
      x2="${right}"
      y1="${BOTTOM}"
      y2="${BOTTOM}"
    />`;
}

function formatSteps(step: number): string {
  return step >= 10_000 && step % 1000 === 0 ? `${step / 1000}k` : String(step);
}

function renderEnds(
  curve: Curve,
  x: Scale,
  y: Scale,
  palette: Palette,
): Markup {
  const ends = curve.lines.flatMap(({ label, mean }) => {
    const end = mean.at(-1);
    return end ? [{ label, x: x.at(end[0]), y: y.at(end[1]) }] : [];
  });
  const tallest = Math.max(
    1,
    ...ends.map(({ label }) => wrapLabel(label).length),
  );
  const places = spreadLabels(
    ends.map((end) => end.y),
    LINE_HEIGHT * tallest + 1,
    [TOP + 4, BOTTOM - 4],
  );
  const right = WIDTH - labelSpace(curve);
  return html`${ends.map((end, index) => {
    const words = wrapLabel(end.label);
    const top =
      (places[index] ?? end.y) + 4 - ((words.length - 1) * LINE_HEIGHT) / 2;
    return html`<g class="${palette(end.label)}">
      <circle class="end" cx="${end.x}" cy="${end.y}" r="3" />
      ${words.map(
        (line, row) =>
          html`<text
            class="label"
            x="${right + 8}"
            y="${top + row * LINE_HEIGHT}"
          >
            ${line}
          </text>`,
      )}
    </g>`;
  })}`;
}

const TABLE_ROWS = 8;

/** The means at a few steps, for readers who need them as text; `report.json` has every point. */
function renderData(curve: Curve): Markup {
  const longest = curve.lines.reduce<Points>(
    (best, { mean }) => (mean.length > best.length ? mean : best),
    [],
  );
  const stride = Math.max(1, Math.ceil((longest.length - 1) / TABLE_ROWS));
  const steps = longest
    .filter((_, index) => index % stride === 0 || index === longest.length - 1)
    .map(([step]) => step);
  const maps = curve.lines.map(({ mean }) => new Map(mean));
  const grid = html`<table class="plain">
    <caption class="hidden">
      ${curve.title}: ${curve.metric} by step
    </caption>
    <thead>
      <tr>
        <th scope="col">step</th>
        ${curve.lines.map(({ label }) => html`<th scope="col">${label}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${steps.map(
        (step) =>
          html`<tr>
            <th scope="row" class="num">${step}</th>
            ${maps.map((values) => {
              const value = values.get(step);
              return html`<td class="num">
                ${value === undefined ? "–" : formatNumber(value, curve.digits)}
              </td>`;
            })}
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`<details>
    <summary>Values</summary>
    ${renderScrollBox(`${curve.title}: values`, grid)}
  </details>`;
}
