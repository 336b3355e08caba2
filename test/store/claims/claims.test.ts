import { describe, expect, test } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { below } from "../../../src/base/random.ts";
import { inspectClaim, takeClaim } from "../../../src/store/claims/claims.ts";
import type { Claim, TakeOutcome } from "../../../src/store/claims/claims.ts";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { ClaimOwner, Liveness } from "../../../src/store/claims/owner.ts";
import {
  takeRunLease,
  toLeaseKey,
} from "../../../src/store/runs/run-records.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { createSimulatedClock } from "../../support/simulated-clock.ts";

const key = "k".repeat(64);

function owner(host: string, pid = 1): ClaimOwner {
  return { host, bootId: "b", pid, pidStartTime: "1", run: "r", task: "t" };
}

function setUp(liveness: Liveness = "unknown") {
  const clock = createSimulatedClock();
  const store = createMemoryStore({ clock });
  const options = { clock, isOwnerAlive: async () => liveness };
  const take = (host: string, more: { readonly force?: boolean } = {}) =>
    takeClaim(store, key, owner(host), { ...options, ...more });
  return { clock, store, options, take };
}

function taken(outcome: TakeOutcome): Claim {
  if (outcome.kind === "held") throw new Error("it is held");
  return outcome.claim;
}

describe("taking a claim", () => {
  test("that nobody holds gives epoch 1, and the next epoch after a release", async () => {
    const { take } = setUp();
    const first = taken(await take("a"));
    expect(first.epoch).toBe(1);
    await first.release();
    expect(taken(await take("b")).epoch).toBe(2);
  });

  test("that is held says by whom and how old the heartbeat is", async () => {
    const { take, clock } = setUp();
    await take("a");
    await clock.elapse(7_000);
    expect(await take("b")).toEqual({
      kind: "held",
      by: owner("a"),
      heartbeatAgeMs: 7_000,
    });
  });

  test("of a dead process succeeds at once, without waiting", async () => {
    const { take } = setUp("dead");
    await take("a");
    expect(taken(await take("b")).epoch).toBe(2);
  });

  test("of a living process fails however old its heartbeat is: native code may block it", async () => {
    const { take, clock } = setUp("alive");
    await take("a");
    await clock.elapse(3_600_000);
    expect((await take("b")).kind).toBe("held");
  });

  test("by force succeeds against a living process, which then has lost it", async () => {
    const { take } = setUp("alive");
    const first = taken(await take("a"));
    expect(taken(await take("b", { force: true })).epoch).toBe(2);
    expect(await first.heartbeat()).toBe("lost");
  });

  test("of eight at once gives it to one", async () => {
    const { take } = setUp();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) => take(`host${i}`)),
    );
    expect(outcomes.filter(({ kind }) => kind === "taken")).toHaveLength(1);
  });

  test("that another program wrote is an error that names it", async () => {
    const { take, store } = setUp();
    await store.swap(layout.claim(key), Buffer.from("{}"), null);
    await expect(take("a")).rejects.toMatchObject({ code: "claim.corrupt" });
  });
});

describe("a claim of another machine", () => {
  test("whose heartbeat is old is watched for the time to live, and taken when it does not move", async () => {
    const { take, clock } = setUp();
    await take("a");
    await clock.elapse(31_000);
    let outcome: TakeOutcome | null = null;
    const taking = take("b").then((result) => (outcome = result));
    await clock.elapse(29_000);
    expect(outcome).toBeNull();
    await clock.elapse(2_000);
    expect(taken(await taking).epoch).toBe(2);
  });

  test("that beats while it is watched stays held", async () => {
    const { take, clock } = setUp();
    const first = taken(await take("a"));
    await clock.elapse(40_000);
    const taking = take("b");
    await clock.elapse(12_000);
    expect(await first.heartbeat()).toBe("ours");
    await clock.elapse(12_000);
    expect((await taking).kind).toBe("held");
    expect(await first.confirm()).toBe("ours");
  });

  test("whose clock is an hour ahead or behind is judged by what is seen of it, not by its clock", async () => {
    for (const skewMs of [3_600_000, -3_600_000]) {
      const here = createSimulatedClock();
      const there = { ...here, now: () => here.now() + skewMs };
      const store = createMemoryStore();
      const isOwnerAlive = async (): Promise<Liveness> => "unknown";
      const first = taken(
        await takeClaim(store, key, owner("a"), { clock: there, isOwnerAlive }),
      );
      const take = () =>
        takeClaim(store, key, owner("b"), { clock: here, isOwnerAlive });
      const living = take();
      await here.elapse(10_000);
      await first.heartbeat();
      await here.elapse(10_000);
      expect((await living).kind).toBe("held");
      const dead = take();
      await here.elapse(31_000);
      expect((await dead).kind).toBe("taken");
    }
  });

  test("stops being watched when the worker is told to stop", async () => {
    const { store, options, clock } = setUp();
    await takeClaim(store, key, owner("a"), options);
    await clock.elapse(31_000);
    const stop = new AbortController();
    const taking = takeClaim(store, key, owner("b"), {
      ...options,
      signal: stop.signal,
    });
    await clock.elapse(6_000);
    stop.abort();
    await clock.elapse(0);
    expect((await taking).kind).toBe("held");
    expect(clock.sleepers()).toBe(0);
  });
});

describe("the holder of a claim", () => {
  test("that was overtaken hears it, and its release does not free the new holder's", async () => {
    const { take, options, store } = setUp("dead");
    const zombie = taken(await take("a"));
    const next = taken(await take("b"));
    expect(await zombie.heartbeat()).toBe("lost");
    expect(await zombie.confirm()).toBe("lost");
    await zombie.release();
    expect(await next.confirm()).toBe("ours");
    const view = await inspectClaim(store, key, {
      ...options,
      isOwnerAlive: async () => "alive",
    });
    expect(view).toMatchObject({ by: owner("b"), epoch: 2, state: "held" });
  });

  test("that released it does not take it back by a late heartbeat", async () => {
    const { take, options, store } = setUp();
    const claim = taken(await take("a"));
    await claim.release();
    expect(await claim.heartbeat()).toBe("lost");
    expect(await inspectClaim(store, key, options)).toBeNull();
  });

  test("may beat, confirm and beat at once without losing to itself", async () => {
    const { take } = setUp();
    const claim = taken(await take("a"));
    expect(
      await Promise.all([
        claim.heartbeat(),
        claim.confirm(),
        claim.heartbeat(),
        claim.confirm(),
      ]),
    ).toEqual(["ours", "ours", "ours", "ours"]);
  });

  test("keeps it when a heartbeat was written and its answer was lost", async () => {
    const clock = createSimulatedClock();
    const lost = new TransientError({ code: "net", message: "no answer" });
    const store = createFaultyStore(
      createMemoryStore(),
      ({ method, number }) =>
        method === "swap" && number === 3
          ? { when: "after", error: lost }
          : null,
    );
    const claim = taken(
      await takeClaim(store, key, owner("a"), {
        clock,
        isOwnerAlive: async () => "unknown",
      }),
    );
    await expect(claim.heartbeat()).rejects.toBe(lost);
    expect(await claim.heartbeat()).toBe("ours");
    expect(await claim.confirm()).toBe("ours");
  });
});

describe("looking at a claim", () => {
  test.each<{ liveness: Liveness; ageMs: number; want: string | null }>([
    { liveness: "alive", ageMs: 0, want: "held" },
    { liveness: "alive", ageMs: 3_600_000, want: "held" },
    { liveness: "dead", ageMs: 0, want: null },
    { liveness: "unknown", ageMs: 29_000, want: "held" },
    { liveness: "unknown", ageMs: 31_000, want: "stale" },
  ])(
    "of a process that is $liveness and beat $ageMs ms ago says $want",
    async ({ liveness, ageMs, want }) => {
      const { take, store, options, clock } = setUp(liveness);
      expect(await inspectClaim(store, key, options)).toBeNull();
      await take("a");
      await clock.elapse(ageMs);
      const view = await inspectClaim(store, key, options);
      expect(view?.state ?? null).toBe(want);
      expect(view?.heartbeatAgeMs ?? ageMs).toBe(ageMs);
    },
  );
});

test("the lease of a run is a claim at the run's place in the layout", async () => {
  const { store, options } = setUp();
  const run = "tiny-1a2b3c4d";
  expect(layout.claim(toLeaseKey(run))).toBe(layout.runLease(run));
  await takeRunLease(store, run, owner("a"), options);
  expect(await store.readRecord(layout.runLease(run))).not.toBeNull();
  expect((await takeRunLease(store, run, owner("b"), options)).kind).toBe(
    "held",
  );
});

describe("four machines that take, beat, freeze, come back and finish by chance", () => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed))(
    "never both pass the check before the commit, and epochs only rise (seed %i)",
    async (seed) => {
      await simulate(seed);
    },
  );
});

/**
 * Each machine runs on its own skewed clock and knows nothing of the others' processes. One that freezes makes no
 * step for up to a minute and then goes on as if nothing had happened: the zombie.
 */
async function simulate(seed: number): Promise<void> {
  const clock = createSimulatedClock();
  const store = createMemoryStore();
  const epochs: number[] = [];
  /** The newest holder that was let in: nobody older may pass a check afterwards. */
  let newestEpoch = 0;
  const endMs = clock.monotonicMs() + 1_800_000;
  const isOver = (): boolean => clock.monotonicMs() >= endMs;
  let draws = 0;
  const draw = (n: number): number => below(n, seed, draws++);

  async function machine(index: number): Promise<void> {
    const skewed = {
      ...clock,
      now: () => clock.now() + (index - 2) * 25_000,
    };
    while (!isOver()) {
      await clock.sleep(draw(5_000));
      const outcome = await takeClaim(store, key, owner(`h${index}`), {
        clock: skewed,
        isOwnerAlive: async () => "unknown",
      });
      if (outcome.kind === "taken") await hold(outcome.claim);
    }
  }
  async function hold(claim: Claim): Promise<void> {
    epochs.push(claim.epoch);
    newestEpoch = Math.max(newestEpoch, claim.epoch);
    for (;;) {
      await clock.sleep(draw(8) === 0 ? draw(120_000) : 5_000);
      const answer = draw(4) === 0 ? claim.confirm() : claim.heartbeat();
      if ((await answer) === "lost") {
        expect(claim.epoch).toBeLessThan(newestEpoch);
        return;
      }
      expect(claim.epoch).toBe(newestEpoch);
      if (isOver() || draw(20) === 0) return claim.release();
    }
  }
  const machines = Promise.all([0, 1, 2, 3].map(machine));
  await clock.elapse(1_800_000);
  await clock.elapse(1_800_000);
  await machines;
  expect(epochs.length).toBeGreaterThan(3);
  expect(epochs).toEqual(epochs.map((_, i) => i + 1));
  const read = await store.readRecord(layout.claim(key));
  expect(JSON.parse(Buffer.from(read?.bytes ?? []).toString())).toMatchObject({
    epoch: epochs.length,
  });
}
