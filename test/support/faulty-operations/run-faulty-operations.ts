/**
 * Thousands of operations of several clients on a server a third of whose answers go wrong: the port's own promises,
 * checked against a model. No wrong bytes, no lost write that was acknowledged, one winner of each condition, and
 * errors of the network and no others.
 */
import { below } from "../../../src/base/random.ts";
import { createS3Store } from "../../../src/store/s3.ts";
import { createRandomFaults } from "../s3-server/faults.ts";
import { startS3TestServer } from "../s3-server/server.ts";
import { toS3Options } from "../s3-server/store-options.ts";
import { createOwnObjects } from "./own-objects.ts";
import { createSharedObjects } from "./shared-objects.ts";
import { createTally } from "./tally.ts";
import type { Tally } from "./tally.ts";

export type FaultyRun = Pick<Tally, "operations" | "errors" | "findings"> & {
  readonly requests: number;
  readonly faults: ReadonlyMap<string, number>;
};

const clients = 6;
/** With a third of the requests failing, one in a hundred operations then fails for its caller. */
const limits = { tries: 3, firstDelayMs: 1, maxDelayMs: 4 };

export async function runFaultyOperations(options: {
  readonly operations: number;
  readonly seed: number;
}): Promise<FaultyRun> {
  const { seed } = options;
  const server = await startS3TestServer({ pageSize: 50 });
  const stores = Array.from({ length: clients }, () => {
    const connection = { ...toS3Options(server).connection, idleTimeoutMs: 80 };
    const common = { ...toS3Options(server), connection, limits };
    return createS3Store({ ...common, partBytes: 4_000 });
  });
  const tally = createTally();
  const shared = createSharedObjects(tally);
  const faults = new Map<string, number>();
  const random = createRandomFaults({ seed, rate: 1 / 3, slowMs: 240 });
  server.setFaults((request) => {
    const fault = random(request);
    if (fault === null || isBeyond(request.key, fault.kind)) return null;
    faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
    return fault;
  });
  try {
    const owns = stores.map((store, number) =>
      createOwnObjects({ store, seed, number, tally }),
    );
    const rounds = Math.ceil(options.operations / clients);
    await Promise.all(
      owns.map(async (own, client) => {
        const store = stores[client] ?? fail();
        for (let round = 0; round < rounds; round++) {
          const draw = below(10, seed, client, round);
          if (draw === 0) await shared.race(store, client, round >> 3);
          else if (draw === 1) await shared.countUp(store);
          else await own.operate(round);
        }
      }),
    );
    server.setFaults(null);
    for (const own of owns) await own.checkAll();
    await shared.check(stores[0] ?? fail());
  } finally {
    for (const store of stores) await store.close();
    await server.close();
  }
  const { operations, errors, findings } = tally;
  return {
    operations,
    errors,
    findings,
    requests: server.requests.length,
    faults,
  };
}

/**
 * What no client of S3 can tell from a sound answer: a damaged byte in a range, which only TLS protects; a late
 * request that makes an object that was removed meanwhile; a listing of yesterday.
 */
function isBeyond(key: string, kind: string): boolean {
  if (kind === "stale-list") return true;
  if (kind === "corrupt") return key.includes("/ranged/");
  return kind === "delay" && key.includes("/removed/");
}

function fail(): never {
  throw new Error("there is no such client");
}
