import { describe, expect, it } from "vitest";
import { noControl } from "../../src/run/observation.ts";
import type { TaskState } from "../../src/run/task-state.ts";
import { toStatus } from "../../src/run/to-status.ts";
import { cutReason } from "../../src/run/to-notes.ts";
import { buildPlan, type TaskSketch } from "../support/plans.ts";

const remedy =
  "remove cas/0/manifest.json from the store and run the pipeline again";
/** As long as messages with two keys and a path are. */
const failure = `${"a damaged file, ".repeat(30)}${remedy}`;

/** The status of tasks that are in these states, each in a stage of its own with a name as long as names can be. */
function statusOf(states: readonly TaskState[]) {
  const sketches: Record<string, TaskSketch> = {};
  for (const index of states.keys()) {
    const name = `${index}-`.padEnd(63, "x");
    sketches[name] = { stage: name };
  }
  const observation = {
    tasks: new Map(),
    capacity: null,
    control: noControl,
  };
  const plan = buildPlan(sketches);
  return toStatus({ plan, states, actions: [], observation });
}

function times(count: number, state: TaskState): readonly TaskState[] {
  return Array.from({ length: count }, () => state);
}

const failed = (reason: string): TaskState => ({ phase: "Failed", reason });

describe("the notes of a status", () => {
  it("keep the remedy at the end of a failure", () => {
    const { notes, reason } = statusOf(times(12, failed(failure)));
    expect(notes).toHaveLength(12);
    for (const note of notes) expect(note.reason).toContain(remedy);
    expect(reason).toMatch(/… \(and 11 more\)$/);
  });

  it("tell of what waits for a place, unless it only starts as everything does", () => {
    const at = (isStarting: boolean): TaskState => ({
      phase: "Pending",
      wait: { for: "cluster", reason: "its pod has no node yet", isStarting },
    });
    const { notes, counts } = statusOf([at(true), at(false)]);
    expect(counts.Pending).toBe(2);
    expect(notes.map(({ task }) => task.slice(0, 2))).toEqual(["1-"]);
  });

  it("keep the first failures whole, and the beginning of everything else, when there are too many", () => {
    const { notes } = statusOf([
      ...times(20, failed(failure)),
      ...times(20, { phase: "Skipped", because: "x".repeat(63) }),
      ...times(20, { phase: "Running", stopping: failure }),
      ...times(20, {
        phase: "Pending",
        wait: { for: "claim", heldBy: failure },
      }),
    ]);
    expect(notes).toHaveLength(80);
    expect(notes[0]?.reason).toContain(remedy);
    for (const { reason } of notes) {
      expect(reason.length).toBeGreaterThanOrEqual(80);
      expect(reason.length).toBeLessThanOrEqual(600);
    }
  });

  it.each([
    ["quotes", '"'.repeat(5000)],
    ["three bytes a letter", "原因".repeat(2000)],
    ["half of a surrogate pair", "\ud83c".repeat(2000)],
  ])(
    "leave a status under 32 KiB with the longest names and reasons of %s",
    (_, reason) => {
      const status = statusOf([
        ...times(30, failed(reason)),
        ...times(30, { phase: "Skipped", because: reason }),
        ...times(30, { phase: "Running", stopping: reason }),
        ...times(30, {
          phase: "Pending",
          wait: { for: "claim", heldBy: reason },
        }),
      ]);
      expect(status.stages).toHaveLength(50);
      expect(status.notes).toHaveLength(80);
      const bytes = Buffer.byteLength(JSON.stringify(status));
      expect(bytes).toBeLessThan(32 * 1024);
    },
  );
});

describe("a reason that is cut", () => {
  it("never ends inside a character, and says that it was cut", () => {
    expect(cutReason("ab🎨🎨", 9)).toBe("ab🎨…");
    expect(cutReason("ab🎨🎨", 10)).toBe("ab🎨🎨");
  });
});
