/** Tables of mean ± spread with a dot per seed, published cells, and the values behind them. */
import {
  formatNumber,
  formatRange,
  formatSigned,
  unitSuffix,
} from "../format.ts";
import { commonSize, describeTable } from "../summary.ts";
import type { ReportTable, ReportValue, Sample } from "../value.ts";
import { renderVerdict } from "./claims.ts";
import { html } from "./markup.ts";
import type { Content, Markup } from "./markup.ts";
import type { Palette } from "./palette.ts";
import { extentOf, round1 } from "./scale.ts";

/** A box that scrolls sideways by itself, so that the page never does; reachable by keyboard. */
export function renderScrollBox(label: string, content: Content): Markup {
  return html`<div
    class="scroll"
    role="region"
    aria-label="${label}"
    tabindex="0"
  >
    ${content}
  </div>`;
}

const DOTS_WIDTH = 160;

export function renderTables(
  tables: ReportValue["tables"],
  palette: Palette,
): Markup | null {
  if (tables.length === 0) return null;
  return html`<section aria-labelledby="tables">
    <h2 id="tables">Results</h2>
    ${tables.map((table) => renderTable(table, palette))}
  </section>`;
}

function renderTable(table: ReportTable, palette: Palette): Markup {
  const size = commonSize(table);
  const place = createPlace(valuesOf(table));
  const grid = html`<table class="results">
    <caption>
      <b>${table.title}</b>
      <span>${describeTable(table)}</span>
    </caption>
    <thead>
      ${
        table.columnAxis === null
          ? null
          : html`<tr class="axis-row">
              <td></td>
              <th scope="colgroup" colspan="${table.columns.length}">
                ${table.columnAxis}
              </th>
            </tr>`
      }
      <tr>
        <th scope="col">${table.rowAxis}</th>
        ${table.columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${table.rows.map(
        (row, index) =>
          html`<tr class="${palette(row)}">
            <th scope="row"><i class="swatch"></i>${row}</th>
            ${(table.cells[index] ?? []).map(
              (sample) =>
                html`<td>
                  ${renderCell(sample, table.digits, place, size === null)}
                </td>`,
            )}
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`${renderScrollBox(table.title, grid)}
  ${size === 1 ? null : renderValues(table)}`;
}

function valuesOf(table: ReportTable): number[] {
  return table.cells
    .flat()
    .flatMap((sample) => sample?.values.map(({ value }) => value) ?? []);
}

/** Where a value lies on the scale that all cells of a table share. */
type Place = (value: number) => number;

function createPlace(values: readonly number[]): Place {
  const [low, high] = extentOf(values);
  const width = DOTS_WIDTH - 10;
  return (value) => round1(5 + ((value - low) / (high - low)) * width);
}

function renderCell(
  sample: Sample | null,
  digits: number,
  place: Place,
  isSizeShown: boolean,
): Markup {
  if (!sample) return html`<span class="missing">not measured</span>`;
  return html`<span class="num"
      ><b>${formatNumber(sample.mean, digits)}</b>${
        sample.sd === null
          ? null
          : html`<span class="spread">
              ± ${formatNumber(sample.sd, digits)}</span
            >`
      }</span
    >${isSizeShown ? html`<span class="spread">, n = ${sample.n}</span>` : null}${sample.n > 1 ? renderDots(sample, place) : null}`;
}

function renderDots(sample: Sample, place: Place): Markup {
  const mean = place(sample.mean);
  return html`<svg
    class="dots"
    viewBox="0 0 ${DOTS_WIDTH} 14"
    aria-hidden="true"
  >
    <line class="axis" x1="0" x2="${DOTS_WIDTH}" y1="7" y2="7" />
    <line class="tick" x1="${mean}" x2="${mean}" y1="1" y2="13" />
    ${sample.values.map(({ value }) => html`<circle cx="${place(value)}" cy="7" r="3.5" />`)}
  </svg>`;
}

/** What the dots are, and their figures for readers who need them as text. */
function renderValues(table: ReportTable): Markup {
  const rows = table.rows.flatMap((row, r) =>
    table.columns.map((column, c) => ({
      row,
      column,
      sample: table.cells[r]?.[c],
    })),
  );
  const { digits } = table;
  const values = valuesOf(table);
  const range = formatRange([Math.min(...values), Math.max(...values)], digits);
  const grid = html`<table class="plain">
    <caption class="hidden">
      ${table.title}: single values
    </caption>
    <thead>
      <tr>
        <th scope="col">${table.rowAxis}</th>
        ${table.columnAxis === null ? null : html`<th scope="col">${table.columnAxis}</th>`}
        <th scope="col">by ${table.over}</th>
        <th scope="col">95&nbsp;% interval</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(({ row, column, sample }) =>
        sample
          ? html`<tr>
              <th scope="row">${row}</th>
              ${table.columnAxis === null ? null : html`<td>${column}</td>`}
              <td class="num">
                ${sample.values.map(({ at, value }, index) => [
                  index > 0 ? ", " : "",
                  at === "" ? "" : html`<span class="spread">${at}: </span>`,
                  formatNumber(value, digits),
                ])}
              </td>
              <td class="num">
                ${
                  sample.interval
                    ? `${formatNumber(sample.interval[0], digits)} to ${formatNumber(sample.interval[1], digits)}`
                    : "–"
                }
              </td>
            </tr>`
          : null,
      )}
    </tbody>
  </table>`;
  return html`<p class="note">
      Dots are single values, one per ${table.over}, on one scale from
      ${range}${unitSuffix(table.unit)}.
    </p>
    <details>
      <summary>Values by ${table.over}</summary>
      ${renderScrollBox(`${table.title}: single values`, grid)}
    </details>`;
}

export function renderPublished(
  cells: ReportValue["published"],
): Markup | null {
  if (cells.length === 0) return null;
  const grid = html`<table class="plain">
    <caption class="hidden">
      Published figures against ours
    </caption>
    <thead>
      <tr>
        <th scope="col">Cell</th>
        <th scope="col">Published</th>
        <th scope="col">Ours</th>
        <th scope="col">95&nbsp;% interval</th>
        <th scope="col">n</th>
        <th scope="col">Difference</th>
        <th scope="col">Verdict</th>
      </tr>
    </thead>
    <tbody>
      ${cells.map(
        ({ ours, digits, ...cell }) =>
          html`<tr>
            <th scope="row">
              ${cell.label}<span class="spread"> ${cell.source}</span>
            </th>
            <td class="num">
              ${formatNumber(cell.value, digits)}${cell.plusMinus === null ? null : html`<span class="spread"> ± ${formatNumber(cell.plusMinus, digits)}</span>`}
            </td>
            <td class="num">${ours ? formatNumber(ours.mean, digits) : "–"}</td>
            <td class="num">
              ${ours?.interval ? `${formatNumber(ours.interval[0], digits)} to ${formatNumber(ours.interval[1], digits)}` : "–"}
            </td>
            <td class="num">${ours?.n ?? 0}</td>
            <td class="num">
              ${ours ? formatSigned(ours.mean - cell.value, digits) : "–"}
            </td>
            <td>${renderVerdict(cell.verdict)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`<section aria-labelledby="published">
    <h2 id="published">Against published figures</h2>
    ${renderScrollBox("Published figures against ours", grid)}
    <p class="note">
      Reproduced: our whole 95&nbsp;% interval lies within the margin around the
      published value. Undecided: it crosses the margin; more seeds narrow it.
    </p>
  </section>`;
}
