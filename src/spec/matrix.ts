/**
 * A stage's own matrix: the combinations of its axes, without what `exclude` names, and with what `include` adds.
 *
 * The rules are those people know from GitHub Actions: first the product, then `exclude`, then each `include` entry
 * adds its other keys to every combination of the product that has its axis values, or makes a new combination if
 * there is none. The size of the product is bounded before anything is expanded.
 */
import type { IssuePath, Mistake } from "./issue.ts";
import { suggest } from "./nearest-name.ts";
import type {
  Cell,
  CellValue,
  JsonObject,
  JsonValue,
  Selector,
} from "./pipeline-spec.ts";
import type { MatrixFile } from "./schema.ts";

/** Above this, a plan is a mistake in a matrix. */
export const MAX_TASKS = 1_000_000;

/** One parameter as somebody wrote it. The object is shared by all combinations that have it. */
export type ParamSource = {
  readonly param: string;
  /** In the stage. */
  readonly path: IssuePath;
  readonly keyPath: IssuePath;
  readonly value: JsonValue;
  /** What stands for it in a cell; null: it is no axis value. */
  readonly label: CellValue | null;
};

export type Combination = {
  readonly cell: Cell;
  readonly sources: readonly ParamSource[];
};

export type ExpandedMatrix = {
  readonly axes: readonly string[];
  readonly combinations: readonly Combination[];
  /** Entries of `exclude` that also name axes of upstream stages, with their places in the list. */
  readonly inherited: readonly {
    readonly index: number;
    readonly entry: Selector;
  }[];
  readonly mistakes: readonly Mistake[];
};

/** The combinations of a matrix; one empty combination if there is none. */
export function expandMatrix(matrix: MatrixFile | undefined): ExpandedMatrix {
  const { include = [], exclude = [], ...rest } = matrix ?? {};
  const mistakes: Mistake[] = [];
  const axes = Object.entries(rest as Record<string, JsonValue[]>).map(
    ([axis, values]) => toAxis(axis, values, mistakes),
  );
  const names = axes.map(({ name }) => name);
  const product = axes.reduce((size, { values }) => size * values.length, 1);
  if (product > MAX_TASKS) {
    mistakes.push(tooLarge(axes, product));
    return { axes: names, combinations: [], inherited: [], mistakes };
  }
  const indexed = exclude.map((entry, index) => ({ index, entry }));
  const isOwn = ({ entry }: { entry: Selector }): boolean =>
    Object.keys(entry).every((axis) => names.includes(axis));
  // A matrix of `include` alone has no product: each entry is a combination.
  const all = axes.length === 0 && include.length > 0 ? [] : cross(axes);
  const kept = excludeFrom(all, indexed.filter(isOwn), axes, mistakes);
  const combinations = includeInto(kept, include, axes, mistakes);
  if (combinations.length === 0)
    mistakes.push({
      code: "spec.matrix-empty",
      path: ["matrix"],
      place: "key",
      message: "`exclude` leaves no combination of the matrix",
    });
  return {
    axes: axesOf(combinations.map(({ cell }) => cell)),
    combinations,
    inherited: indexed.filter((each) => !isOwn(each)),
    mistakes,
  };
}

/** The names of all axes of some cells, in the order in which they appear. */
export function axesOf(cells: Iterable<Cell>): string[] {
  const axes = new Set<string>();
  for (const cell of cells) for (const axis in cell) axes.add(axis);
  return [...axes];
}

/** Whether a cell has one of the wanted values on every axis of a selector. */
export function isSelected(cell: Cell, selector: Selector): boolean {
  for (const axis in selector) {
    const wanted = selector[axis];
    const value = cell[axis];
    if (value === undefined) return false;
    if (Array.isArray(wanted) ? !wanted.includes(value) : wanted !== value)
      return false;
  }
  return true;
}

type Axis = { readonly name: string; readonly values: readonly ParamSource[] };

function toAxis(
  name: string,
  values: readonly JsonValue[],
  mistakes: Mistake[],
): Axis {
  const seen = new Set<CellValue>();
  const sources = values.flatMap((value, i): ParamSource[] => {
    const path = ["matrix", name, i];
    const label = labelOf(value);
    if (label === null) {
      mistakes.push({
        code: "spec.axis-value-name",
        path,
        place: "value",
        message: `an object on the axis '${name}' needs a 'name': a text that stands for it in tables and task names`,
      });
      return [];
    }
    if (seen.has(label)) {
      mistakes.push({
        code: "spec.duplicate-value",
        path,
        place: "value",
        message: `the axis '${name}' already has the value '${label}'`,
      });
      return [];
    }
    seen.add(label);
    return [{ param: name, path, keyPath: ["matrix", name], value, label }];
  });
  return { name, values: sources };
}

/** What stands for a value in a cell: itself, or the `name` of an object; null if it has none. */
function labelOf(value: JsonValue): CellValue | null {
  if (value === null || Array.isArray(value)) return null;
  if (typeof value !== "object") return value;
  const name = (value as JsonObject)["name"];
  return typeof name === "string" && name !== "" ? name : null;
}

function cross(axes: readonly Axis[]): Combination[] {
  let combinations: Combination[] = [{ cell: {}, sources: [] }];
  for (const { name, values } of axes)
    combinations = combinations.flatMap(({ cell, sources }) =>
      values.map((value) => ({
        cell: { ...cell, [name]: value.label ?? "" },
        sources: [...sources, value],
      })),
    );
  return combinations;
}

function excludeFrom(
  combinations: readonly Combination[],
  entries: readonly { readonly index: number; readonly entry: Selector }[],
  axes: readonly Axis[],
  mistakes: Mistake[],
): readonly Combination[] {
  let left = combinations;
  for (const { index, entry } of entries) {
    const kept = left.filter(({ cell }) => !isSelected(cell, entry));
    if (kept.length === left.length && combinations.length > 0)
      mistakes.push(excludesNothing(["matrix", "exclude", index], entry, axes));
    left = kept;
  }
  return left;
}

function excludesNothing(
  path: IssuePath,
  entry: Selector,
  axes: readonly Axis[],
): Mistake {
  const hints = Object.entries(entry).flatMap(([axis, value]) => {
    const known = axes
      .find(({ name }) => name === axis)
      ?.values.map(({ label }) => String(label));
    return known?.includes(String(value))
      ? []
      : [suggest(String(value), known ?? []) ?? ""];
  });
  return {
    code: "spec.exclude-empty",
    path,
    place: "value",
    message: "no combination of the matrix has these values",
    ...(hints[0] === undefined ? {} : { hint: hints[0] }),
  };
}

function includeInto(
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
        message: `another combination has the same axis values (${identity})`,
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

function tooLarge(axes: readonly Axis[], product: number): Mistake {
  const factors = axes.map(
    ({ name, values }) => `${name} ${values.length.toLocaleString("en-US")}`,
  );
  return {
    code: "spec.too-large",
    path: ["matrix"],
    place: "key",
    message: `expected at most ${MAX_TASKS.toLocaleString("en-US")} combinations, found ${factors.join(" × ")} = ${product.toLocaleString("en-US")}`,
  };
}

/** `axis value, axis value`, the same text whatever the order of the axes. */
function describeCell(cell: Cell): string {
  return Object.keys(cell)
    .sort()
    .map((axis) => `${axis} ${JSON.stringify(cell[axis])}`)
    .join(", ");
}
