import { describe, expect, it } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { claimTimes, type Claim } from "../../../src/store/claims/claims.ts";
import { holdClaim } from "../../../src/store/claims/hold-claim.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { waitFor } from "../../support/wait-for.ts";

function arrange(answer: () => "ours" | "lost") {
  const clock = createManualClock();
  const calls: string[] = [];
  const claim: Claim = {
    key: "k",
    epoch: 3,
    heartbeat: async () => {
      calls.push("heartbeat");
      return answer();
    },
    confirm: async () => {
      calls.push("confirm");
      return answer();
    },
    release: async () => {
      calls.push("release");
    },
  };
  const held = holdClaim({ claim, clock, log: silentLogger });
  const beat = async (): Promise<void> => {
    const before = calls.length;
    await waitFor("its sleep", () => (clock.sleeps().length > 0 ? true : null));
    clock.advance(claimTimes.heartbeatEveryMs);
    await waitFor("a heartbeat", () => (calls.length > before ? true : null));
  };
  return { held, calls, beat };
}

describe("a held claim", () => {
  it("beats until it is released, and not after", async () => {
    const { held, calls, beat } = arrange(() => "ours");
    await beat();
    await beat();
    await held.confirm();
    await held.release();
    expect(calls).toEqual(["heartbeat", "heartbeat", "confirm", "release"]);
    expect(held.signal.aborted).toBe(false);
  });

  it("aborts the work when a heartbeat finds it lost, and cannot be confirmed any more", async () => {
    const { held, beat } = arrange(() => "lost");
    await beat();
    await waitFor("the abort", () => (held.signal.aborted ? true : null));
    expect(held.lost()).toMatchObject({ code: "claim.lost" });
    await expect(held.confirm()).rejects.toMatchObject({ code: "claim.lost" });
  });

  it("is not given up because a store does not answer for a moment", async () => {
    let isDown = true;
    const { held, beat } = arrange(() => {
      if (isDown)
        throw new TransientError({ code: "store.busy", message: "busy" });
      return "ours";
    });
    await beat();
    isDown = false;
    await beat();
    expect(held.lost()).toBeNull();
    await held.release();
  });

  it("ends the work with a bug that a heartbeat met, as that bug", async () => {
    const { held, beat } = arrange(() => {
      throw new TypeError("x is undefined");
    });
    await beat();
    await waitFor("the abort", () => (held.signal.aborted ? true : null));
    expect(held.lost()).toBeInstanceOf(TypeError);
  });
});
