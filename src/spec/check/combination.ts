/** One combination of a matrix, and the parameters that make it, each with the place where somebody wrote it. */
import type { IssuePath } from "../issue.ts";
import type {
  Cell,
  CellValue,
  JsonObject,
  JsonValue,
} from "../pipeline-spec.ts";

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

export type Axis = {
  readonly name: string;
  readonly values: readonly ParamSource[];
};

/** What stands for a value in a cell: itself, or the `name` of an object; null if it has none. */
export function labelOf(value: JsonValue): CellValue | null {
  if (value === null || Array.isArray(value)) return null;
  if (typeof value !== "object") return value;
  const name = (value as JsonObject)["name"];
  return typeof name === "string" && name !== "" ? name : null;
}
