/**
 * Nodes of the YAML library to plain values, trusting none of them.
 *
 * Anchors are met before their aliases, so one walk in document order resolves all, and what aliases multiply is
 * counted while it is read: a bomb costs its bound, not its size.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Node,
  type Pair,
  type ParsedNode,
  type YAMLMap,
} from "yaml";
import type { Issue, IssuePath } from "../issue.ts";
import type { JsonValue } from "../pipeline-spec.ts";

const MAX_DEPTH = 40;
/** Aliases are for a few shared blocks; what a thousand of them multiply to is a bomb or a mistake. */
const MAX_ALIASES = 200;
const MAX_ALIASED_NODES = 20_000;
const REFUSED_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/** The line and column of an offset in the text. */
export type At = (offset: number) => Pick<Issue, "line" | "column">;

export type YamlReader = {
  readonly issues: Issue[];
  /** What each alias stands for. */
  readonly targets: Map<Node, Node>;
  read(node: Node | null, path: IssuePath, depth: number): JsonValue;
};

export function createYamlReader(at: At): YamlReader {
  const issues: Issue[] = [];
  const targets = new Map<Node, Node>();
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  let aliases = 0;
  let aliasedNodes = 0;
  let insideAlias = 0;
  const refuse = (
    code: string,
    node: Node | null,
    path: IssuePath,
    message: string,
    hint?: string,
  ): null => {
    issues.push({
      code,
      path,
      message,
      ...at(node?.range?.[0] ?? 0),
      ...(hint === undefined ? {} : { hint }),
    });
    return null;
  };

  function read(node: Node | null, path: IssuePath, depth: number): JsonValue {
    if (node === null) return null;
    if (insideAlias > 0 && ++aliasedNodes > MAX_ALIASED_NODES) return null;
    if (depth > MAX_DEPTH)
      return refuse(
        "yaml.too-deep",
        node,
        path,
        `expected at most ${MAX_DEPTH} levels of nesting, found more`,
      );
    if (isAlias(node)) return readAlias(node, path, depth);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    if (node.tag !== undefined)
      return refuse(
        "yaml.tag",
        node,
        path,
        `tags are not read, found ${node.tag.replace("tag:yaml.org,2002:", "!!")}`,
        "remove the tag; quotes make a text of anything",
      );
    if (insideAlias === 0 && node.anchor !== undefined)
      anchors.set(node.anchor, node);
    if (isScalar(node)) return readScalar(node.value, node, path);
    open.add(node);
    const value = isMap(node)
      ? readMap(node, path, depth)
      : node.items.map((item, i) =>
          read(item as Node | null, [...path, i], depth + 1),
        );
    open.delete(node);
    return value;
  }

  function readAlias(node: Alias, path: IssuePath, depth: number): JsonValue {
    const target = anchors.get(node.source);
    if (target === undefined)
      return refuse(
        "yaml.alias",
        node,
        path,
        `no anchor '&${node.source}' before this alias`,
      );
    if (open.has(target))
      return refuse(
        "yaml.alias",
        node,
        path,
        `'*${node.source}' contains itself`,
      );
    targets.set(node, target);
    aliases += 1;
    if (aliases > MAX_ALIASES || aliasedNodes > MAX_ALIASED_NODES) {
      if (!issues.some(({ code }) => code === "yaml.alias-bomb"))
        refuse(
          "yaml.alias-bomb",
          node,
          path,
          `aliases repeat more than ${MAX_ALIASED_NODES} values, or there are more than ${MAX_ALIASES} of them`,
          "write the matrix out, or use params",
        );
      return null;
    }
    insideAlias += 1;
    const value = read(target, path, depth + 1);
    insideAlias -= 1;
    return value;
  }

  function readScalar(value: unknown, node: Node, path: IssuePath): JsonValue {
    if (
      value === null ||
      typeof value === "string" ||
      typeof value === "boolean"
    )
      return value;
    if (
      typeof value === "number" &&
      Number.isFinite(value) &&
      (!Number.isInteger(value) || Number.isSafeInteger(value))
    )
      return value === 0 ? 0 : value;
    return refuse(
      "yaml.number",
      node,
      path,
      `expected a finite number that a double holds exactly, found ${typeof value === "number" ? value : "something else"}`,
      "quote it if it is a text",
    );
  }

  function readMap(map: YAMLMap, path: IssuePath, depth: number): JsonValue {
    const entries = new Map<string, JsonValue>();
    for (const pair of map.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const key = keyOf(pair);
      if (key === null) {
        refuse(
          "yaml.key",
          pair.key,
          path,
          "expected a key that is a text",
          "quote it",
        );
      } else if (REFUSED_KEYS.has(key)) {
        refuse(
          "yaml.prototype-key",
          pair.key,
          [...path, key],
          `the key '${key}' is not allowed anywhere`,
        );
      } else if (entries.has(key)) {
        refuse(
          "yaml.duplicate-key",
          pair.key,
          [...path, key],
          `the key '${key}' is already in this map`,
          "remove or rename one of the two",
        );
        read(pair.value, [...path, key], depth + 1);
      } else {
        entries.set(key, read(pair.value, [...path, key], depth + 1));
      }
    }
    return Object.fromEntries(entries);
  }

  return { issues, targets, read };
}

/** A key as written: `1` and `true` are fine as names of parameters and axes. */
export function keyOf(
  pair: Pair<ParsedNode, ParsedNode | null>,
): string | null {
  if (!isScalar(pair.key)) return null;
  const { value, source } = pair.key;
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean"
    ? (source ?? String(value))
    : null;
}
