/**
 * `report.html`: one file that any browser opens from a disk, without network, script or font of its own.
 *
 * P1 The content security policy allows inline styles and data images, nothing else: even a hostile name that got
 *    past the escaping could run or load nothing.
 * P2 The page never scrolls sideways; wide tables scroll in their own box.
 * P3 Without run facts, the bytes depend on the value alone.
 */
import { formatCount } from "../format.ts";
import type { RunFacts } from "../run-facts.ts";
import type { ReportValue } from "../value.ts";
import { renderClaims } from "./claims.ts";
import { renderCurves } from "./curves.ts";
import { html, trustedMarkup } from "./markup.ts";
import { createPalette } from "./palette.ts";
import { renderPictures } from "./pictures.ts";
import { renderLeftOut, renderProvenance, renderRun } from "./provenance.ts";
import { STYLE } from "./style.ts";
import { renderPublished, renderTables } from "./tables.ts";

const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export type HtmlOptions = {
  /** Adds the section on time and cost: for the copy of one run. */
  readonly run?: RunFacts;
};

/** The bytes of `report.html`. */
export function renderHtml(
  value: ReportValue,
  { run }: HtmlOptions = {},
): string {
  const palette = createPalette(value);
  const seeds = new Set(
    value.provenance.artifacts.flatMap(({ seed }) => seed ?? []),
  );
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${value.title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${trustedMarkup(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${value.title}</h1>
            ${value.summary === null ? null : html`<p class="lead">${value.summary}</p>`}
            <p class="note">
              ${formatCount(value.measurements.length, "measured cell")},
              ${formatCount(seeds.size, "seed")},
              ${formatCount(value.provenance.artifacts.length, "artifact")}
            </p>
          </header>
          ${renderClaims(value.claims)} ${renderPublished(value.published)}
          ${renderTables(value.tables, palette)}
          ${renderPictures(value.pictures)}
          ${renderCurves(value.curves, palette)} ${renderLeftOut(value.leftOut)}
          ${run ? renderRun(run) : null} ${renderProvenance(value)}
          <footer>
            Made by hueline. This file needs no network and runs no script;
            report.json, .csv, .md and .tex beside it hold the same figures.
          </footer>
        </main>
      </body>
    </html> `;
  return `${page.markup.replace(/\n\s+/g, "\n").trim()}\n`;
}
