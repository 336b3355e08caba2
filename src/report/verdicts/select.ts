/**
 * Which measurements a figure is made of. Owns matching by selector, labels, and the refusal to mix.
 *
 * What people can mend in the pipeline file is a `UserError` here: an axis or metric that nothing has, or a figure
 * whose cells differ along more than the averaged axis. A combination that was not measured is no mistake: it is
 * an empty list, and the report says what is missing (invariant J).
 */
import { UserError } from "../../base/errors.ts";
import type { Cell, CellValue } from "../../plan/plan.ts";
import type { Placed } from "./statistics.ts";

/** Anything that lies at a cell of a stage. */
export type Located = { readonly stage: string; readonly cell: Cell };

export type Selector = Readonly<
  Record<string, CellValue | readonly CellValue[]>
>;

/** Print names of axes (`AXIS`) and values (`AXIS=VALUE`). */
export type Names = Readonly<Record<string, string>>;

/** The value of an axis as text; `stage` is an axis too. Null: the cell does not have it. */
export function axisValue(row: Located, axis: string): string | null {
  if (Object.hasOwn(row.cell, axis)) return String(row.cell[axis]);
  return axis === "stage" ? row.stage : null;
}

/** True if the row has one of the wanted values on every axis of the selector. */
export function isSelected(row: Located, selector: Selector): boolean {
  return Object.entries(selector).every(([axis, wanted]) =>
    [wanted].flat().some((value) => String(value) === axisValue(row, axis)),
  );
}

export function labelOfAxis(names: Names, axis: string): string {
  return Object.hasOwn(names, axis) ? (names[axis] as string) : axis;
}

/** What a value is called: its own name, or itself. */
export function labelOfValue(names: Names, axis: string, value: string) {
  const key = `${axis}=${value}`;
  return Object.hasOwn(names, key) ? (names[key] as string) : value;
}

/** A selector in words: the labels of its values. */
export function labelOfSelector(names: Names, selector: Selector): string {
  return Object.entries(selector)
    .map(([axis, wanted]) =>
      [wanted]
        .flat()
        .map((value) => labelOfValue(names, axis, String(value)))
        .join(" or "),
    )
    .join(", ");
}

/** The label of a row on one or several axes, e.g. `colorization, 50`; `–` where it lacks one. */
export function labelOfRow(
  names: Names,
  row: Located,
  axes: readonly string[],
): string {
  return axes
    .map((axis) => {
      const value = axisValue(row, axis);
      return value === null ? "–" : labelOfValue(names, axis, value);
    })
    .join(", ");
}

/** What a place is called as a whole, e.g. `colorization, seed 5`; without axes, its stage. */
export function labelOfLocated(names: Names, { stage, cell }: Located): string {
  const values = Object.entries(cell).map(([axis, value]) => {
    const text = String(value);
    const label = labelOfValue(names, axis, text);
    return label === text ? `${labelOfAxis(names, axis)} ${text}` : label;
  });
  return values.length > 0
    ? values.join(", ")
    : labelOfValue(names, "stage", stage);
}

/** Groups rows by label, groups in order of their first row. */
export function groupByLabel<R extends Located>(
  rows: readonly R[],
  label: (row: R) => string,
): ReadonlyMap<string, readonly R[]> {
  return Map.groupBy(rows, label);
}

/** Throws `report.mixed` if rows differ along an axis other than `over`. */
export function requireOneAxis(
  rows: readonly Located[],
  over: string,
  figure: string,
): void {
  const axes = new Set([
    "stage",
    ...rows.flatMap((row) => Object.keys(row.cell)),
  ]);
  for (const axis of axes) {
    if (axis === over) continue;
    const found = new Set(rows.map((row) => axisValue(row, axis) ?? "(none)"));
    if (found.size < 2) continue;
    throw new UserError({
      code: "report.mixed",
      message: `${figure}: expected cells that differ along '${over}' only, found ${[...found].slice(0, 5).join(", ")} on '${axis}'`,
      hint: `choose with \`where: { ${axis}: … }\`, or make '${axis}' an axis of the figure`,
    });
  }
}

const byPlace = new Intl.Collator("en", { numeric: true });

/** Values of a metric along `over`, in the order of that axis. Rows without the metric are left out. */
export function valuesOver(options: {
  readonly rows: readonly (Located & {
    readonly metrics: Readonly<Record<string, number>>;
  })[];
  readonly metric: string;
  readonly scale: number;
  readonly over: string;
  readonly figure: string;
}): readonly Placed[] {
  const { rows, metric, scale, over, figure } = options;
  requireOneAxis(rows, over, figure);
  return rows
    .filter((row) => Object.hasOwn(row.metrics, metric))
    .map((row) => ({
      at: axisValue(row, over) ?? "",
      value: (row.metrics[metric] as number) * scale,
    }))
    .toSorted((a, b) => byPlace.compare(a.at, b.at));
}
