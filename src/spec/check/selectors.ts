/** Checks of what selects cells: `where`, `exclude`, and the axes that parameters of a stage name. */
import type { IssuePath, Mistake } from "../issue.ts";
import type { Cell, CellValue, JsonValue, Selector } from "../pipeline-spec.ts";
import { axesOf, isSelected } from "../selection.ts";
import type { AxisReference } from "../stage-kinds.ts";
import { suggest } from "./nearest-name.ts";

/** What selectors of the same cells are checked against, worked out once for all of them. */
export type Domain = {
  readonly cells: readonly Cell[];
  readonly axes: readonly string[];
  /** What stands on an axis; cells without it leave `undefined`. */
  valuesOn(axis: string): ReadonlySet<CellValue | undefined>;
};

export function createDomain(cells: readonly Cell[]): Domain {
  const known = new Map<string, ReadonlySet<CellValue | undefined>>();
  return {
    cells,
    axes: axesOf(cells),
    valuesOn(axis) {
      let values = known.get(axis);
      if (values === undefined) {
        values = new Set(cells.map((cell) => cell[axis]));
        known.set(axis, values);
      }
      return values;
    },
  };
}

/** Axes of a selector that no cell has, and values that no cell has on them. */
export function checkSelector(
  selector: Selector,
  { axes, cells, valuesOn }: Domain,
  path: IssuePath,
): Mistake[] {
  const unknown = unknownAxes(selector, axes, path);
  if (unknown.length > 0) return unknown;
  const foreign = Object.entries(selector).flatMap(([axis, wanted]) => {
    const values = valuesOn(axis);
    return [wanted].flat().flatMap((value: CellValue): Mistake[] => {
      if (values.has(value)) return [];
      const hint = suggest(
        String(value),
        [...values].flatMap((known) =>
          known === undefined ? [] : [String(known)],
        ),
      );
      return [
        {
          code: "spec.where-empty",
          path: [...path, axis],
          place: "value",
          message: `no cell has the value '${value}' on the axis '${axis}'`,
          ...(hint === undefined ? {} : { hint }),
        },
      ];
    });
  });
  if (foreign.length > 0 || cells.some((cell) => isSelected(cell, selector)))
    return foreign;
  return [
    {
      code: "spec.where-empty",
      path,
      place: "value",
      message: "no cell has all of these values at once",
    },
  ];
}

/** Axes of a selector that are not among these. */
export function unknownAxes(
  selector: Selector,
  axes: readonly string[],
  path: IssuePath,
): Mistake[] {
  return Object.keys(selector)
    .filter((axis) => !axes.includes(axis))
    .map((axis) => ({
      code: "spec.axis-unknown",
      path: [...path, axis],
      place: "key",
      message: `no axis '${axis}' here`,
      hint: suggest(axis, axes) ?? "these cells have no axes",
    }));
}

/** The parameters of a stage that speak of axes of cells, against the axes and values that these have. */
export function checkAxisReference(
  reference: AxisReference,
  params: JsonValue,
  domain: Domain,
): Mistake[] {
  return placesAt(params, reference.path, ["with"]).flatMap(
    ({ value, path }) => {
      if (reference.holds === "selector")
        return checkSelector(value as Selector, domain, path);
      const { axes } = domain;
      const names = Array.isArray(value) ? value : [value];
      return names.flatMap((axis: JsonValue, i): Mistake[] => {
        // Everything can be averaged over seeds, also where a single one is fixed.
        if (typeof axis !== "string" || axis === "seed" || axes.includes(axis))
          return [];
        return [
          {
            code: "spec.axis-unknown",
            path: Array.isArray(value) ? [...path, i] : path,
            place: "value",
            message: `no axis '${axis}' here`,
            hint: suggest(axis, axes) ?? "these cells have no axes",
          },
        ];
      });
    },
  );
}

/** Every value at a path whose `*` stands for all entries of a list or of a map. */
function placesAt(
  value: JsonValue | undefined,
  keys: readonly string[],
  path: IssuePath,
): readonly { readonly value: JsonValue; readonly path: IssuePath }[] {
  const [key, ...rest] = keys;
  if (value === undefined) return [];
  if (key === undefined) return [{ value, path }];
  if (key === "*" && Array.isArray(value))
    return value.flatMap((item: JsonValue, i) =>
      placesAt(item, rest, [...path, i]),
    );
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [];
  if (key === "*")
    return Object.entries(value).flatMap(([name, item]) =>
      placesAt(item, rest, [...path, name]),
    );
  const inner = (value as Readonly<Record<string, JsonValue>>)[key];
  return placesAt(inner, rest, [...path, key]);
}
