/** A few hundred of the operations of `bench/faulty-operations.ts`. */
import { expect, test } from "vitest";
import { runFaultyOperations } from "../support/faulty-operations/run-faulty-operations.ts";

test("on a faulty server no wrong bytes are given out, no acknowledged write is lost, and errors are the network's", async () => {
  const run = await runFaultyOperations({ operations: 1_500, seed: 11 });
  expect(run.findings).toEqual([]);
  // Everything happened, and some of it failed.
  expect([...run.operations.keys()].sort()).toEqual([
    "append",
    "list",
    "put",
    "putIfAbsent",
    "putStream",
    "read",
    "read of a range",
    "readInto",
    "readRecord",
    "remove",
    "stat",
    "swap",
  ]);
  expect([...run.faults.keys()]).toEqual(
    expect.arrayContaining([
      "corrupt",
      "delay",
      "drop",
      "lost",
      "refuse",
      "reset",
      "shorten",
      "truncate",
    ]),
  );
  expect(run.errors.size).toBeGreaterThan(0);
}, 120_000);
