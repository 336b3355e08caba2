/**
 * One colour per arm, the same in every table and figure. The colours (in `style.ts`) reach contrast AA on both
 * themes and differ in lightness and hue for colour-blind readers; every use has a label beside it all the same.
 */
import type { ReportValue } from "../value.ts";

const COLOURS = 6;

/** Label of a row or line → class that sets its colour. */
export type Palette = (label: string) => string;

/** Colours in order of appearance: tables first, then curves. */
export function createPalette(value: ReportValue): Palette {
  const labels = new Set([
    ...value.tables.flatMap(({ rows }) => rows),
    ...value.curves.flatMap(({ lines }) => lines.map(({ label }) => label)),
  ]);
  const indexes = new Map([...labels].map((label, index) => [label, index]));
  return (label) => `s${(indexes.get(label) ?? 0) % COLOURS}`;
}
