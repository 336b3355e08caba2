/**
 * A stage's own matrix: the combinations of its axes, without what `exclude` names, and with what `include` adds.
 *
 * The rules are those people know from GitHub Actions: first the product, then `exclude`, then each `include` entry
 * adds its other keys to every combination of the product that has its axis values, or makes a new combination if
 * there is none. The size of the product is bounded before anything is expanded.
 */
import type { IssuePath, Mistake } from "../issue.ts";
import { suggest } from "./nearest-name.ts";
import {
  MAX_TASKS,
  type CellValue,
  type JsonValue,
  type Selector,
} from "../pipeline-spec.ts";
import { isSelected, axesOf } from "../selection.ts";
import {
  labelOf,
  type Axis,
  type Combination,
  type ParamSource,
} from "./combination.ts";
import { includeInto } from "./matrix-include.ts";
import type { MatrixFile } from "../schema.ts";

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
  const comparisons = product * (include.length + exclude.length);
  if (comparisons > MAX_COMPARISONS) {
    mistakes.push(tooManyComparisons(comparisons));
    return { axes: names, combinations: [], inherited: [], mistakes };
  }
  const indexed = exclude.map((entry, index) => ({ index, entry }));
  const isOwn = ({ entry }: { entry: Selector }): boolean =>
    Object.keys(entry).every((axis) => names.includes(axis));
  // A matrix of `include` alone has no product: each entry is a combination.
  const all = axes.length === 0 && include.length > 0 ? [] : cross(axes);
  const kept = excludeFrom(all, indexed.filter(isOwn), axes, mistakes);
  const combinations = includeInto(kept, include, axes, mistakes);
  if (combinations.length === 0 && mistakes.length === 0)
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

/** Every entry of `include` and `exclude` is compared with every combination: more than this takes minutes. */
const MAX_COMPARISONS = 50_000_000;

function tooManyComparisons(comparisons: number): Mistake {
  return {
    code: "spec.too-large",
    path: ["matrix"],
    place: "key",
    message: `expected at most ${MAX_COMPARISONS.toLocaleString("en-US")} comparisons of \`include\` and \`exclude\` entries with combinations, found ${comparisons.toLocaleString("en-US")}`,
    hint: "write the combinations out as `include` entries of a matrix without axes",
  };
}
