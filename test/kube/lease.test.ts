import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import type { Clock } from "../../src/base/clock.ts";
import { createLeaseCandidate } from "../../src/kube/lease.ts";
import type { HeldLease } from "../../src/kube/lease.ts";
import { resources } from "../../src/kube/kube.ts";
import { testNamespace } from "../support/fake-api-server.ts";
import { createManualClock } from "../support/manual-clock.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { openKube } from "../support/kube.ts";
import type { KubeTest } from "../support/kube.ts";
import { waitFor } from "../support/wait-for.ts";

/** One server, and replicas whose clocks are their own. */
function createReplica({ kube }: KubeTest, identity: string, wallMs: number) {
  const manual = createManualClock();
  const clock: Clock = { ...manual, now: () => wallMs + manual.now() };
  const candidate = createLeaseCandidate({
    kube,
    namespace: testNamespace,
    name: "shard-0",
    identity,
    clock,
    log: silentLogger,
  });
  return { clock: manual, candidate };
}
const holderOf = ({ server }: KubeTest) =>
  server.get(resources.lease, "shard-0")?.["spec"] as {
    readonly holderIdentity: string;
    readonly leaseTransitions: number;
    readonly renewTime: string;
  };
const hour = 3_600_000;

async function open() {
  const test = await openKube();
  // Two hours apart: whoever compared clocks would be wrong.
  const first = createReplica(test, "first", hour);
  const second = createReplica(test, "second", 3 * hour);
  return { ...test, first, second };
}
/** Lets time go by for a holder until it has asked the server once more. */
async function renew(
  { server }: KubeTest,
  clock: ManualClock,
  ms: number,
): Promise<void> {
  const before = server.requests.length;
  clock.advance(ms);
  await waitFor("a renewal", () =>
    server.requests.length > before ? true : null,
  );
}
async function acquire(replica: ReturnType<typeof createReplica>) {
  const held = await replica.candidate.tryAcquire();
  if (!held) throw new Error("somebody else holds the lease");
  return held;
}
async function untilLost({ lost }: HeldLease): Promise<unknown> {
  await waitFor("the loss", () => (lost.aborted ? true : null));
  return lost.reason;
}

describe("a lease", () => {
  it("is held by one, who gets it again and again, and by another after it was given back", async () => {
    const test = await open();
    const held = await acquire(test.first);
    expect(await test.first.candidate.tryAcquire()).toBe(held);
    expect(await test.second.candidate.tryAcquire()).toBeNull();
    expect(test.second.candidate.holder()).toBe("first");
    await held.release();
    expect(held.lost.aborted).toBe(false);
    const next = await acquire(test.second);
    expect(next.transitions).toBe(held.transitions + 1);
    expect(holderOf(test).holderIdentity).toBe("second");
    await next.release();
  });

  it("stays with a holder who renews it, however long others wait", async () => {
    const test = await open();
    const held = await acquire(test.first);
    for (let round = 0; round < 4; round++) {
      const before = holderOf(test).renewTime;
      test.first.clock.advance(2_000);
      await waitFor("the renewed record", () =>
        holderOf(test).renewTime === before ? null : true,
      );
      test.second.clock.advance(14_000);
      expect(await test.second.candidate.tryAcquire()).toBeNull();
    }
    await held.release();
  });

  it("is taken from a holder who is silent, by the time of whoever watched, not by the times in it", async () => {
    const test = await open();
    await (await acquire(test.first)).release();
    // A holder that never renews, and whose record says a time long ago.
    test.server.change(
      resources.lease,
      { name: "shard-0" },
      {
        spec: {
          holderIdentity: "dead",
          renewTime: "2001-01-01T00:00:00.000000Z",
        },
      },
    );
    expect(await test.second.candidate.tryAcquire()).toBeNull();
    test.second.clock.advance(14_999);
    expect(await test.second.candidate.tryAcquire()).toBeNull();
    test.second.clock.advance(1);
    const held = await acquire(test.second);
    expect(held.transitions).toBe(1);
    await held.release();
  });

  it("is lost when it cannot be renewed, before anybody else may take it", async () => {
    const test = await open();
    const held = await acquire(test.first);
    expect(await test.second.candidate.tryAcquire()).toBeNull();
    test.server.faults.add({
      verb: "update",
      times: 1000,
      fault: { kind: "silence" },
    });
    await renew(test, test.first.clock, 2_000);
    test.first.clock.advance(7_999);
    expect(held.lost.aborted).toBe(false);
    test.first.clock.advance(1);
    expect(await untilLost(held)).toBe("it could not be renewed in time");
  });

  it("is lost when somebody else has taken it over", async () => {
    const test = await open();
    const held = await acquire(test.first);
    test.server.change(
      resources.lease,
      { name: "shard-0" },
      {
        spec: { holderIdentity: "thief" },
      },
    );
    await renew(test, test.first.clock, 2_000);
    expect(await untilLost(held)).toBe("somebody else has taken it over");
    await held.release();
    expect(holderOf(test).holderIdentity).toBe("thief");
  });

  it("is kept when only the answer to a renewal was lost, or somebody labels it", async () => {
    const test = await open();
    const held = await acquire(test.first);
    test.server.change(
      resources.lease,
      { name: "shard-0" },
      {
        metadata: { labels: { seen: "true" } },
      },
    );
    await renew(test, test.first.clock, 2_000);
    const { requests } = test.server;
    await waitFor("another look", () =>
      requests.at(-1)?.verb === "get" ? true : null,
    );
    await waitFor("the next sleep", () =>
      test.first.clock.sleeps().length > 1 ? true : null,
    );
    await renew(test, test.first.clock, 2_000);
    expect(held.lost.aborted).toBe(false);
    await held.release();
    expect(holderOf(test).holderIdentity).toBe("");
  });

  it("that both want at the same moment goes to one of them", async () => {
    const test = await open();
    const held = await Promise.all([
      test.first.candidate.tryAcquire(),
      test.second.candidate.tryAcquire(),
    ]);
    const winners = held.filter((one) => one !== null);
    expect(winners).toHaveLength(1);
    await winners[0]?.release();
  });
});
