/**
 * Every operation of the store, with every fault, at every request that the operation sends: what it returns and what
 * it leaves behind are those of an undisturbed network. A stale listing alone is no fault that can be told.
 */
import { describe, expect, test } from "vitest";
import type { S3Store } from "../../../src/store/s3.ts";
import type { Fault } from "../../support/s3-server/faults.ts";
import {
  openOn,
  start,
  withConnection,
} from "../../support/s3-server/fixture.ts";
import { storeOperations } from "../../support/s3-server/operations.ts";
import type { StoreOperation } from "../../support/s3-server/operations.ts";
import type { S3TestServer } from "../../support/s3-server/server.ts";

const idleTimeoutMs = 60;
const refuse = (status: number, code: string, retryAfter?: string): Fault => ({
  kind: "refuse",
  status,
  code,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});
const faults: readonly (readonly [string, Fault])[] = [
  ["a late answer", { kind: "delay", ms: 2 * idleTimeoutMs }],
  ["a request that is dropped", { kind: "drop" }],
  ["a reset while it is sent", { kind: "reset", when: "during" }],
  ["a reset before it is done", { kind: "reset", when: "before" }],
  ["a reset after it was done", { kind: "reset", when: "after" }],
  ["an error after it was done", { kind: "lost", status: 500, code: "Lost" }],
  ["a body that breaks off", { kind: "truncate" }],
  ["half a body", { kind: "shorten" }],
  ["a damaged byte", { kind: "corrupt" }],
  ["500", refuse(500, "InternalError")],
  ["503 SlowDown", refuse(503, "SlowDown")],
  ["503 with Retry-After", refuse(503, "Busy", "0")],
  ["403 clock skew", refuse(403, "RequestTimeTooSkewed")],
  ["409", refuse(409, "ConditionalRequestConflict")],
  ["400 RequestTimeout", refuse(400, "RequestTimeout")],
];

type Outcome = {
  readonly returned: unknown;
  readonly after: unknown;
  readonly requests: number;
};
type Bench = { readonly server: S3TestServer; readonly store: S3Store };

async function openBench(): Promise<Bench> {
  const bench = await start(
    // Listings go over several pages, the stream over several parts.
    { pageSize: 2 },
    (options) => ({
      ...withConnection({ idleTimeoutMs })(options),
      partBytes: 400,
    }),
  );
  // The store looks at the server before its first write: not what is tested here.
  await bench.store.put("known", new Uint8Array(1));
  return bench;
}

/** Runs an operation in a folder of its own, with a fault at its `at`-th request; 0: none. */
async function perform(
  { server, store }: Bench,
  operation: StoreOperation,
  { at, fault }: { readonly at: number; readonly fault: Fault },
): Promise<Outcome> {
  const place = { store, folder: `at-${at}/` };
  let requests = 0;
  let uploadsBegun = 0;
  const count = (query: URLSearchParams): void => {
    if (query.has("uploads")) uploadsBegun++;
  };
  server.setFaults(({ query }) => {
    count(query);
    return null;
  });
  await operation.prepare(place);
  server.setFaults(({ query }) => {
    count(query);
    return ++requests === at ? fault : null;
  });
  const returned = await operation.run(place);
  server.setFaults(null);
  const sent = requests;
  const after = await operation.after({ ...place, store: openOn(server) });
  // An upload whose id was lost with its answer cannot be aborted by anyone: the bucket's lifecycle rule does. Each try
  // to begin one but the last may have lost it so, also one that was late on a busy machine.
  const left = [...server.state.uploads.values()].filter(({ key }) =>
    key.includes(place.folder),
  );
  expect(left.length).toBeLessThanOrEqual(Math.max(0, uploadsBegun - 1));
  return { returned, after, requests: sent };
}

describe.each(storeOperations)("$name survives", (operation) => {
  const possible = faults.filter(
    ([, { kind }]) => !(operation.isRange && kind === "corrupt"),
  );
  test.each(possible)("%s, at each of its requests", async (_name, fault) => {
    const bench = await openBench();
    const wanted = await perform(bench, operation, { at: 0, fault });
    expect(wanted.requests).toBeGreaterThan(0);
    for (let at = 1; at <= wanted.requests; at++) {
      const { returned, after } = await perform(bench, operation, {
        at,
        fault,
      });
      expect({ at, returned, after }).toEqual({
        at,
        returned: wanted.returned,
        after: wanted.after,
      });
    }
  });
});
