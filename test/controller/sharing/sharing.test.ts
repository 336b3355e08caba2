import { describe, expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import { openSharing } from "../../../src/controller/sharing/sharing.ts";
import type { Kube } from "../../../src/kube/kube.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import { openKube } from "../../support/kube.ts";
import { createSimulatedClock } from "../../support/simulated-clock.ts";
import { waitFor } from "../../support/wait-for.ts";

async function arrange() {
  const { kube, server } = await openKube();
  const clock = createSimulatedClock();
  /** What each replica says that it has, by its name. */
  const replicas = new Map<string, Set<number>>();
  const overlaps: number[] = [];
  const join = async (identity: string, through: Kube = kube) => {
    const held = new Set<number>();
    replicas.set(identity, held);
    const sharing = await openSharing({
      kube: through,
      namespace: testNamespace,
      identity,
      shards: 8,
      durationMs: 15_000,
      roundMs: 3_000,
      clock,
      log: silentLogger,
      onGained: (shard) => {
        for (const other of replicas.values())
          if (other.has(shard)) overlaps.push(shard);
        held.add(shard);
      },
      onLosing: async (shard) => {
        held.delete(shard);
      },
    });
    onTestFinished(() => sharing.close());
    return sharing;
  };
  const sizes = () => [...replicas.values()].map(({ size }) => size);
  const until = (what: string, sizesWanted: readonly number[]) =>
    waitFor(what, async () => {
      await clock.elapse(1_000);
      return JSON.stringify(sizes()) === JSON.stringify(sizesWanted)
        ? true
        : null;
    });
  return { server, kube, clock, join, replicas, overlaps, until };
}

describe("sharing", () => {
  it("gives all to one, halves to two, and never one shard to both", async () => {
    const { join, until, overlaps } = await arrange();
    const first = await join("pod-a");
    expect(first.held()).toHaveLength(8);
    const second = await join("pod-b");
    await until("halves", [4, 4]);
    expect(first.owns("some-uid")).toBe(!second.owns("some-uid"));
    expect(overlaps).toEqual([]);
  });

  it("gives everything back at its end, so that others need not wait", async () => {
    const { join, until, clock } = await arrange();
    const first = await join("pod-a");
    await join("pod-b");
    await until("halves", [4, 4]);
    const beforeMs = clock.monotonicMs();
    await first.close();
    await until("the rest", [0, 8]);
    expect(clock.monotonicMs() - beforeMs).toBeLessThan(15_000);
  });

  it("takes what a silent replica has, which has let go of it by then", async () => {
    const { join, until, kube, overlaps } = await arrange();
    let isCut = false;
    const cut = new Proxy(kube, {
      get: (target, name) =>
        isCut
          ? () => Promise.reject(new Error("no way to the server"))
          : (Reflect.get(target, name) as unknown),
    });
    const first = await join("pod-a", cut);
    await join("pod-b");
    await until("halves", [4, 4]);
    isCut = true;
    await until("the rest", [0, 8]);
    expect(first.held()).toEqual([]);
    expect(overlaps).toEqual([]);
    isCut = false;
    await until("halves again", [4, 4]);
  });

  it("has what it had when it is started again under the same name", async () => {
    const { join } = await arrange();
    await join("pod-a");
    const again = await join("pod-a");
    expect(again.held()).toHaveLength(8);
  });
});
