import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import { watchGrace } from "../../src/worker/stop-grace.ts";
import { createManualClock } from "../support/manual-clock.ts";

function start(graceMs: number) {
  const stop = new AbortController();
  const over = new AbortController();
  const clock = createManualClock();
  const ends: ExitCode[] = [];
  const errors: string[] = [];
  const watching = watchGrace({
    grace: { ms: graceMs, end: (code) => ends.push(code) },
    signal: stop.signal,
    over: over.signal,
    clock,
    log: { ...silentLogger, error: (_fields, text) => errors.push(text) },
  });
  const turn = () => new Promise(setImmediate);
  return { stop, over, clock, ends, errors, watching, turn };
}

test("a worker that is still saving when its grace is nearly over ends with 143, and says so", async () => {
  const { stop, clock, ends, errors, watching, turn } = start(20_000);
  clock.advance(60_000);
  stop.abort("SIGTERM");
  await turn();
  clock.advance(18_999);
  await turn();
  expect(ends).toEqual([]);
  clock.advance(1);
  await watching;
  expect(ends).toEqual([ExitCode.stopped]);
  expect(errors).toEqual([
    expect.stringMatching(/not done with its checkpoint after 20 s/),
  ]);
});

test("a worker that ends in time, or is never told to stop, is left alone", async () => {
  for (const isStopped of [true, false]) {
    const { stop, over, clock, ends, watching, turn } = start(20_000);
    if (isStopped) stop.abort();
    await turn();
    over.abort();
    await watching;
    clock.advance(60_000);
    expect(ends).toEqual([]);
    expect(clock.sleeps()).toEqual([]);
  }
});
