/**
 * The only door to the YAML library: text to plain values, with the position of every key and value kept aside.
 *
 * YAML 1.2 core schema. Refused, each with its own code: tags, prototype keys, keys that are no strings, duplicate keys,
 * aliases that multiply, nesting beyond reason, several documents, tabs as indentation, numbers that JSON cannot hold.
 * Mistakes of syntax end the parse; all others are collected, the offending entry is left out and the rest is read.
 */
import {
  isMap,
  isSeq,
  LineCounter,
  parseDocument,
  type Node,
  type Pair,
  type ParsedNode,
  type YAMLMap,
} from "yaml";
import type { Issue, IssuePath, IssuePlace } from "../issue.ts";
import type { JsonValue } from "../pipeline-spec.ts";
import { createYamlReader, keyOf, type At } from "./yaml-reader.ts";

export type SourceDocument = {
  readonly value: JsonValue;
  /** Mistakes that did not keep the document from being read. */
  readonly issues: readonly Issue[];
  /** The position of a path; of its nearest existing ancestor's key if the path is not in the document. */
  locate(path: IssuePath, place: IssuePlace): Pick<Issue, "line" | "column">;
};

export type ParsedDocument =
  | { readonly ok: true; readonly document: SourceDocument }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Parses one YAML document. The text has passed `toSourceText`. */
export function parseYaml(text: string): ParsedDocument {
  const lineCounter = new LineCounter();
  const parsed = parseDocument(text, {
    lineCounter,
    version: "1.2",
    schema: "core",
    // Found by the reader below: the library's own search is quadratic in the size of a map.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const at: At = (offset) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (parsed.errors.length > 0) {
    const issues = parsed.errors.map((error): Issue => ({
      code: SYNTAX_CODES[error.code] ?? "yaml.syntax",
      path: [],
      message:
        error.code === "MULTIPLE_DOCS"
          ? "expected one document, found the start of another"
          : lowerFirst(error.message),
      ...at(error.pos[0]),
      ...(error.code === "TAB_AS_INDENT" ? { hint: "indent with blanks" } : {}),
    }));
    return { ok: false, issues };
  }
  const reader = createYamlReader(at);
  const value = reader.read(parsed.contents, [], 0);
  // What is left of these says nothing: whatever was found in it would follow from the refusal.
  if (reader.issues.some(({ code }) => FATAL_CODES.has(code)))
    return { ok: false, issues: reader.issues };
  return {
    ok: true,
    document: {
      value,
      issues: reader.issues,
      locate: createLocator(parsed.contents, reader.targets, at),
    },
  };
}

const FATAL_CODES = new Set(["yaml.alias-bomb", "yaml.too-deep"]);
const SYNTAX_CODES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "yaml.tab",
  MULTIPLE_DOCS: "yaml.multiple-documents",
  RESOURCE_EXHAUSTION: "yaml.too-deep",
  BAD_ALIAS: "yaml.alias",
  MULTIPLE_ANCHORS: "yaml.alias",
  ALIAS_PROPS: "yaml.alias",
  TAG_RESOLVE_FAILED: "yaml.tag",
  MULTIPLE_TAGS: "yaml.tag",
};

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

type Entry = { readonly key: Node | null; readonly value: Node | null };

/** Finds positions on demand: mistakes are few, entries may be many. Each map is indexed once. */
function createLocator(
  root: Node | null,
  targets: ReadonlyMap<Node, Node>,
  at: At,
): SourceDocument["locate"] {
  const indexes = new Map<Node, ReadonlyMap<string, Entry>>();
  const entryOf = (parent: Node, step: string | number): Entry | null => {
    const node = targets.get(parent) ?? parent;
    if (isSeq(node)) {
      const item = node.items[Number(step)];
      return item === undefined ? null : { key: null, value: item as Node };
    }
    if (!isMap(node)) return null;
    let index = indexes.get(node);
    if (index === undefined) indexes.set(node, (index = indexEntries(node)));
    return index.get(String(step)) ?? null;
  };
  return (path, place) => {
    let here: Entry = { key: null, value: root };
    for (const step of path) {
      const next = here.value === null ? null : entryOf(here.value, step);
      if (next === null) return at(startOf(here.key ?? here.value));
      here = next;
    }
    return at(
      startOf(
        place === "key" ? (here.key ?? here.value) : (here.value ?? here.key),
      ),
    );
  };
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

/** First entry wins, as in the reader. */
function indexEntries(map: YAMLMap): ReadonlyMap<string, Entry> {
  const index = new Map<string, Entry>();
  for (const pair of map.items as Pair<ParsedNode, ParsedNode | null>[]) {
    const key = keyOf(pair);
    if (key !== null && !index.has(key))
      index.set(key, { key: pair.key, value: pair.value });
  }
  return index;
}
