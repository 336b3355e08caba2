/** Who asked the API server for what, by its audit log (one line a request, without bodies). */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** The log is written in batches of at most a second. */
const SETTLE_MS = 2500;
const WRITES = new Set(["create", "update", "patch", "delete"]);

type Line = {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestReceivedTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
};

export type Requests = {
  readonly all: number;
  readonly writes: number;
  /** `create jobs` → how many, most first. */
  readonly kinds: Readonly<Record<string, number>>;
};

export type AuditLog = {
  /** Requests of programs in whose user agent this stands. */
  of(userAgent: string): Requests;
  /** When the server got such requests, milliseconds since 1970, in order. */
  times(userAgent: string, kind: string): readonly number[];
};

export type AuditMark = number;

export function markAudit(file: string): AuditMark {
  return statSync(file).size;
}

/** What was asked since the mark. */
export async function readAudit(
  file: string,
  mark: AuditMark,
): Promise<AuditLog> {
  await delay(SETTLE_MS);
  const lines = readLines(file, mark);
  const linesOf = (userAgent: string): readonly Line[] =>
    lines.filter((line) => line.userAgent?.includes(userAgent));
  return {
    of(userAgent) {
      const own = linesOf(userAgent);
      const counts = Map.groupBy(own, kindOf);
      const kinds = [...counts].map(([kind, of]) => [kind, of.length] as const);
      return {
        all: own.length,
        writes: own.filter(({ verb }) => WRITES.has(verb)).length,
        kinds: Object.fromEntries(kinds.toSorted((a, b) => b[1] - a[1])),
      };
    },
    times: (userAgent, kind) =>
      linesOf(userAgent)
        .filter((line) => kindOf(line) === kind)
        .map((line) => Date.parse(line.requestReceivedTimestamp))
        .toSorted((a, b) => a - b),
  };
}

function readLines(file: string, mark: AuditMark): readonly Line[] {
  const bytes = Buffer.alloc(markAudit(file) - mark);
  const handle = openSync(file, "r");
  readSync(handle, bytes, 0, bytes.length, mark);
  closeSync(handle);
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1).toString();
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

function kindOf({ verb, objectRef }: Line): string {
  const { resource = "?", subresource } = objectRef ?? {};
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
}
