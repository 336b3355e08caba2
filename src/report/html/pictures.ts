/** Colorized photographs: gray in, prediction, truth, side by side. */
import type { PictureSet, ReportValue } from "../value.ts";
import { html } from "./markup.ts";
import type { Content, Markup } from "./markup.ts";

/** Sides up to this are shown as squares of colour: smoothing would invent detail. */
const PIXELATED_BELOW = 96;
const COLUMNS = ["gray in", "prediction", "truth"] as const;

export function renderPictures(sets: ReportValue["pictures"]): Markup | null {
  if (sets.length === 0) return null;
  return html`<section aria-labelledby="pictures">
    <h2 id="pictures">Colorized photographs</h2>
    <p class="note">
      The network sees the gray image alone and predicts its colours; the truth
      is the photograph itself. These are the dataset’s first images, not chosen
      ones.
    </p>
    ${sets.map((set) => renderSet(set, sets.length > 1))}
  </section>`;
}

function renderSet({ title, items }: PictureSet, isTitled: boolean): Markup {
  return html`${isTitled ? html`<h3>${title}</h3>` : null}
    <ul class="pictures">
      ${items.map((item) => renderItem(item))}
    </ul>`;
}

function renderItem(item: PictureSet["items"][number]): Markup {
  const isSmall = Math.max(item.width, item.height) < PIXELATED_BELOW;
  const sources = [item.gray, item.predicted, item.truth];
  const image = (index: number): Content =>
    html`<img
      src="${sources[index] ?? ""}"
      width="${item.width}"
      height="${item.height}"
      alt="${item.name}: ${COLUMNS[index] ?? ""}"
      ${isSmall ? html`class="pixelated"` : null}
    />`;
  return html`<li title="${item.name}">
    <span class="heads" aria-hidden="true"
      >${COLUMNS.map((column) => html`<span>${column}</span>`)}</span
    >
    <span class="triptych">${image(0)}${image(1)}${image(2)}</span>
  </li>`;
}
