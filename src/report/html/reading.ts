/** What the times of a run's trainings do not tell: whether they waited for images, and what they left to earlier attempts. */
import { formatBytes } from "../format.ts";
import type { ReadingCost, StageCost } from "../run-facts.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";

const MOST_STEPS = 5;

const WORDS = {
  storage: "for storage",
  decode: "for images to be decoded",
  training: "for images",
} as const;

/** A line for each stage that read images while it trained, or went on from a checkpoint; nothing where none did. */
export function renderReading(stages: readonly StageCost[]): Markup | null {
  const lines = stages.flatMap(({ stage, tasks, reading, resumedAtSteps }) => [
    ...(reading ? [{ stage, text: toReading(reading) }] : []),
    ...(resumedAtSteps.length > 0
      ? [{ stage, text: toResumed(resumedAtSteps, tasks) }]
      : []),
  ]);
  if (lines.length === 0) return null;
  return html`<h3>Where the time went</h3>
    <ul>
      ${lines.map(({ stage, text }) => html`<li><b>${stage}</b>: ${text}</li>`)}
    </ul>`;
}

function toResumed(steps: readonly number[], tasks: number): string {
  const shown = steps.slice(0, MOST_STEPS).join(", ");
  const more = steps.length > MOST_STEPS ? ", …" : "";
  const who = tasks === 1 ? "it" : `${steps.length} of ${tasks} tasks`;
  return `${who} went on from a checkpoint (step ${shown}${more}); time and images are those since then`;
}

function toReading(cost: ReadingCost): string {
  const { images, bytesFetched, requests, waitedMs, wallMs } = cost;
  const percent = Math.round((100 * waitedMs) / Math.max(1, wallMs));
  const waited = `${percent} % of its time was waiting ${WORDS[cost.waitedFor]}`;
  return `${images} images from ${formatBytes(bytesFetched)} in ${requests} requests; ${waited}`;
}
