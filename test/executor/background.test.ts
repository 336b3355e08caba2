import { describe, expect, it } from "vitest";
import { createBackground } from "../../src/executor/background.ts";

describe("work in the background", () => {
  it("is done one at a time, and once more however often it was asked for meanwhile", async () => {
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
    let begun = 0;
    const background = createBackground(
      () => gates[begun++]?.promise ?? Promise.resolve(),
      () => undefined,
    );
    background.start();
    background.start();
    background.start();
    expect(begun).toBe(1);
    expect(background.isBusy()).toBe(true);
    gates[0]?.resolve();
    gates[1]?.resolve();
    await background.settled();
    expect(begun).toBe(2);
    expect(background.isBusy()).toBe(false);
  });

  it("tells what it failed of once, to who looks next, and works again", async () => {
    let tries = 0;
    let calls = 0;
    const background = createBackground(
      () =>
        ++tries === 1 ? Promise.reject(new Error("busy")) : Promise.resolve(),
      () => {
        calls++;
      },
    );
    background.start();
    await background.settled();
    expect(calls).toBe(1);
    expect(() => background.check()).toThrow("busy");
    background.check();
    background.start();
    await background.settled();
    expect([tries, calls]).toEqual([2, 1]);
  });
});
