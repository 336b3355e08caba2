/** How images came to the trainings of a run: whether they waited, and for what. */
import { formatBytes } from "../format.ts";
import type { ReadingCost, StageCost } from "../run-facts.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";

const WORDS = {
  storage: "for storage",
  decode: "for images to be decoded",
  training: "for images",
} as const;

/** A line for each stage that read images while it trained; nothing where none did. */
export function renderReading(stages: readonly StageCost[]): Markup | null {
  const reading = stages.flatMap(({ stage, reading: cost }) =>
    cost ? [{ stage, cost }] : [],
  );
  if (reading.length === 0) return null;
  return html`<h3>Where the time went</h3>
    <ul>
      ${reading.map(
        ({ stage, cost }) => html`<li><b>${stage}</b>: ${sentence(cost)}</li>`,
      )}
    </ul>`;
}

function sentence(cost: ReadingCost): string {
  const { images, bytesFetched, requests, waitedMs, wallMs } = cost;
  const percent = Math.round((100 * waitedMs) / Math.max(1, wallMs));
  const waited = `${percent} % of its time was waiting ${WORDS[cost.waitedFor]}`;
  return `${images} images from ${formatBytes(bytesFetched)} in ${requests} requests; ${waited}`;
}
