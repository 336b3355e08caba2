import fc from "fast-check";
import { expect, test } from "vitest";
import { createTaskLog } from "../../../src/cli/logs/task-log.ts";

async function* linesOf(lines: readonly string[]) {
  yield* lines;
}

/** A task's log, and a store that has what was appended. */
function openLog() {
  const shown: string[] = [];
  const stored: string[] = [];
  const log = createTaskLog(
    async () => stored.splice(0),
    (line) => shown.push(line),
  );
  return {
    shown,
    store: (...lines: readonly string[]) => stored.push(...lines),
    pod: (...lines: readonly string[]) => log.showPod(linesOf(lines)),
    rest: () => log.showRest(),
  };
}

const json = (n: number) => `{"n":${n}}`;
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => json(from + i));

test("attempts whose pods are gone come from the store, before the pods", async () => {
  const { store, pod, rest, shown } = openLog();
  store(...range(0, 5));
  await pod(...range(3, 7));
  await rest();
  expect(shown).toEqual(range(0, 7));
});

test("what a pod said and the store does not have yet is shown once", async () => {
  const { store, pod, rest, shown } = openLog();
  store(...range(0, 2));
  await pod(...range(2, 5));
  store(...range(2, 5));
  await rest();
  expect(shown).toEqual(range(0, 5));
});

test("a pod that vanished in the middle is completed by the store", async () => {
  const { store, pod, rest, shown } = openLog();
  await pod(...range(0, 3));
  store(...range(0, 6));
  await rest();
  expect(shown).toEqual(range(0, 6));
});

test("an attempt between two pods that are there is shown between them", async () => {
  const { store, pod, rest, shown } = openLog();
  store(...range(0, 9));
  await pod(...range(0, 3));
  await pod(...range(6, 9));
  await rest();
  expect(shown).toEqual(range(0, 9));
});

test("a library's own words keep their place, and do not hide what came before", async () => {
  const { store, pod, rest, shown } = openLog();
  store(...range(0, 4));
  await pod("a library says hello", ...range(2, 3), "and more", ...range(3, 4));
  await rest();
  expect(shown).toEqual([
    ...range(0, 2),
    "a library says hello",
    ...range(2, 3),
    "and more",
    ...range(3, 4),
  ]);
});

test("a task without a pod has what the store has, and later only what is new", async () => {
  const { store, rest, shown } = openLog();
  store(...range(0, 2));
  await rest();
  store(...range(2, 4));
  await rest();
  expect(shown).toEqual(range(0, 4));
});

test("whatever pods are left and however late the store is, each line is shown once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lines: fc.nat(5), isGone: fc.boolean() }), {
        maxLength: 6,
      }),
      fc.nat(6),
      async (attempts, late) => {
        const { store, pod, rest, shown } = openLog();
        let at = 0;
        const ranges = attempts.map(({ lines, isGone }) => {
          const own = range(at, at + lines);
          at += lines;
          return { own, isGone };
        });
        const all = range(0, at);
        // The store lacks the newest lines at first.
        const have = Math.max(0, at - late);
        store(...all.slice(0, have));
        const lastGone = ranges.findLastIndex(({ isGone }) => isGone);
        const isLateOfPods = ranges
          .slice(0, lastGone + 1)
          .reduce((sum, { own }) => sum + own.length, 0);
        fc.pre(have >= isLateOfPods);
        for (const { own, isGone } of ranges) if (!isGone) await pod(...own);
        store(...all.slice(have));
        await rest();
        expect(shown).toEqual(all);
      },
    ),
  );
});
