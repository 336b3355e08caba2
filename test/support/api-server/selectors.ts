/** Label and field selectors, as far as objects of ours are selected by. */
import { ApiError, isRecord } from "./objects.ts";
import type { ApiObject } from "./objects.ts";

export type Selection = (object: ApiObject) => boolean;

export function parseSelection(query: URLSearchParams): Selection {
  const all = [
    ...split(query.get("labelSelector") ?? "").map(toLabelTest),
    ...split(query.get("fieldSelector") ?? "").map(toFieldTest),
  ];
  return (object) => all.every((test) => test(object));
}

/** At commas that are not inside parentheses. */
function split(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function toLabelTest(requirement: string): Selection {
  const labelOf = (object: ApiObject, label: string): string | undefined =>
    object.metadata.labels?.[label];
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(requirement);
  if (set) {
    const [, label = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    const wants = operator === "in";
    return (object) =>
      values.includes(labelOf(object, label) ?? "\0") === wants;
  }
  const equality = /^([^!=\s]+)\s*(==|=|!=)\s*(.*)$/.exec(requirement);
  if (equality) {
    const [, label = "", operator, value] = equality;
    return (object) =>
      (labelOf(object, label) === value) !== (operator === "!=");
  }
  if (requirement.startsWith("!"))
    return (object) => labelOf(object, requirement.slice(1)) === undefined;
  return (object) => labelOf(object, requirement) !== undefined;
}

function toFieldTest(requirement: string): Selection {
  const match = /^([\w.]+)\s*(==|=|!=)\s*(.*)$/.exec(requirement);
  if (!match)
    throw new ApiError(
      400,
      "BadRequest",
      `unable to parse field selector "${requirement}"`,
    );
  const [, path = "", operator, value] = match;
  return (object) => (fieldOf(object, path) === value) !== (operator === "!=");
}

/** The text of a field; absent is empty, as with a server. */
function fieldOf(object: ApiObject, path: string): string {
  let at: unknown = object;
  for (const name of path.split(".")) at = isRecord(at) ? at[name] : undefined;
  return typeof at === "string" || typeof at === "boolean" ? String(at) : "";
}
