/**
 * `include` of a matrix: each entry adds its other keys to every combination of the product that has its axis values,
 * or is a combination of its own if there is none. Keys that are no axes become axes too if a cell can hold them.
 */
import type { Mistake } from "../issue.ts";
import type { Cell, JsonObject } from "../pipeline-spec.ts";
import { isSelected } from "../selection.ts";
import {
  labelOf,
  type Axis,
  type Combination,
  type ParamSource,
} from "./combination.ts";

/** The product with all entries included. */
export function includeInto(
  product: readonly Combination[],
  entries: readonly JsonObject[],
  axes: readonly Axis[],
  mistakes: Mistake[],
): readonly Combination[] {
  if (entries.length === 0) return product;
  const extended = [...product];
  const added: Combination[] = [];
  entries.forEach((entry, index) => {
    const { wanted, extras } = splitEntry(entry, index, axes);
    const selector = Object.fromEntries(
      wanted.map(({ param, label }) => [param, label ?? ""]),
    );
    let matches = 0;
    for (let i = 0; i < product.length; i++) {
      const original = product[i];
      const current = extended[i];
      if (!original || !current || !isSelected(original.cell, selector))
        continue;
      matches += 1;
      extended[i] = extend(current, extras);
    }
    if (matches === 0)
      added.push(extend({ cell: {}, sources: [] }, [...wanted, ...extras]));
  });
  const combinations = [...extended, ...added];
  const seen = new Set<string>();
  for (const { cell, sources } of combinations) {
    const identity = describeCell(cell);
    if (seen.has(identity))
      mistakes.push({
        code: "spec.duplicate-cell",
        path: sources.at(-1)?.path.slice(0, 3) ?? ["matrix"],
        place: "value",
        message: `another combination has the same axis values (${identity || "none"})`,
        hint: "a value that differs must be a single value or an object with a `name`",
      });
    seen.add(identity);
  }
  return combinations;
}

/** The values of an entry on the product's axes, and the parameters that it adds. */
function splitEntry(
  entry: JsonObject,
  index: number,
  axes: readonly Axis[],
): { readonly wanted: ParamSource[]; readonly extras: ParamSource[] } {
  const wanted: ParamSource[] = [];
  const extras: ParamSource[] = [];
  for (const [param, value] of Object.entries(entry)) {
    const path = ["matrix", "include", index, param];
    const label = labelOf(value);
    const axis = axes.find(({ name }) => name === param);
    // An object of the axis may be named instead of written again.
    const same = axis?.values.find(
      (known) => known.label === label && typeof value !== "object",
    );
    const source = same ?? { param, path, keyPath: path, value, label };
    (axis === undefined ? extras : wanted).push(source);
  }
  return { wanted, extras };
}

/** A combination with more parameters; those with a label are axes too. Later ones replace earlier ones. */
function extend(
  { cell, sources }: Combination,
  extras: readonly ParamSource[],
): Combination {
  const params = new Set(extras.map(({ param }) => param));
  const labels = extras.flatMap(({ param, label }) =>
    label === null ? [] : [[param, label] as const],
  );
  return {
    cell: { ...cell, ...Object.fromEntries(labels) },
    sources: [...sources.filter(({ param }) => !params.has(param)), ...extras],
  };
}

/** `axis value, axis value`, the same text whatever the order of the axes. */
function describeCell(cell: Cell): string {
  return Object.keys(cell)
    .sort()
    .map((axis) => `${axis} ${JSON.stringify(cell[axis])}`)
    .join(", ");
}
