/**
 * One colour per arm, the same in every table and figure. The colours (in `style.ts`) reach contrast AA on both
 * themes and differ in lightness and hue for colour-blind readers; every use has a label beside it all the same.
 *
 * A label of several axes (`colorization, 50`) has the colour of its first and a dash pattern for the rest, as long
 * as there are patterns enough.
 */
import type { ReportValue } from "../value.ts";

const COLOURS = 6;
const PATTERNS = 3;

/** Label of a row or line → classes that set its colour and its dash pattern. */
export type Palette = (label: string) => string;

/** Colours in order of appearance: tables first, then curves. */
export function createPalette(value: ReportValue): Palette {
  const labels = [
    ...new Set([
      ...value.tables.flatMap(({ rows }) => rows),
      ...value.curves.flatMap(({ lines }) => lines.map(({ label }) => label)),
    ]),
  ];
  const families = Map.groupBy(labels, familyOf);
  const variants = [...families].map(([family, members]) =>
    members.filter((label) => label !== family),
  );
  const areFamilies = variants.every(({ length }) => length <= PATTERNS);
  const names = areFamilies ? [...families.keys()] : labels;
  return (label) => {
    const family = areFamilies ? familyOf(label) : label;
    const colour = Math.max(0, names.indexOf(family)) % COLOURS;
    const rank = areFamilies
      ? Math.max(0, ...variants.map((members) => members.indexOf(label)))
      : 0;
    return `s${colour} v${rank}`;
  };
}

function familyOf(label: string): string {
  return label.split(", ")[0] ?? label;
}
