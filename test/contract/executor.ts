/** What every executor does, run against each of them. */
import { describe, expect, it } from "vitest";
import type { Executor } from "../../src/executor/executor.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { TaskObservation } from "../../src/run/observation.ts";
import { waitFor } from "../support/wait-for.ts";
import { buildPlan } from "../support/plans.ts";

/** What an attempt of the suite's tasks does. */
export type Behaviour = "succeed" | "bad-data" | "hang";

export type ExecutorUnderTest = {
  readonly executor: Executor;
  /** Makes somebody else hold the key of a task, until the returned function is called. */
  readonly holdKey: (task: string) => Promise<() => Promise<void>>;
};

export function describeExecutor(
  name: string,
  open: (behaviour: (task: string) => Behaviour) => Promise<ExecutorUnderTest>,
): void {
  const behaviourOf = (task: string): Behaviour =>
    task.startsWith("hang")
      ? "hang"
      : task.startsWith("bad")
        ? "bad-data"
        : "succeed";
  const start = (task: string, attempt = 1) =>
    ({ kind: "start", task, attempt }) as const;
  const look = async (
    executor: Executor,
    plan: Plan,
    task: string,
  ): Promise<TaskObservation | undefined> =>
    (await executor.observe(plan)).tasks.get(task);
  const untilEnded = (
    executor: Executor,
    plan: Plan,
    task: string,
  ): Promise<TaskObservation> =>
    waitFor(`the end of '${task}'`, async () => {
      const seen = await look(executor, plan, task);
      return seen?.attempts.at(-1)?.end ? seen : null;
    });

  describe(`${name} as an executor`, () => {
    it("shows a task that has ended well as committed, with its attempt", async () => {
      const plan = buildPlan({ good: {} });
      const { executor } = await open(behaviourOf);
      expect((await look(executor, plan, "good"))?.committed ?? false).toBe(
        false,
      );
      await executor.apply(plan, [start("good")]);
      const seen = await untilEnded(executor, plan, "good");
      expect(seen.committed).toBe(true);
      expect(seen.attempts).toMatchObject([
        { number: 1, end: { exitCode: 0 } },
      ]);
      await executor.close();
    });

    it("starts an attempt once, however often the action is applied", async () => {
      const plan = buildPlan({ good: {} });
      const { executor } = await open(behaviourOf);
      const actions = [start("good")];
      await executor.apply(plan, actions);
      await executor.apply(plan, actions);
      await untilEnded(executor, plan, "good");
      await executor.apply(plan, actions);
      expect((await look(executor, plan, "good"))?.attempts).toHaveLength(1);
      await executor.close();
    });

    it("tells exit code and reason of a failed attempt, and numbers the next one as asked", async () => {
      const plan = buildPlan({ bad: {} });
      const { executor } = await open(behaviourOf);
      await executor.apply(plan, [start("bad")]);
      const seen = await untilEnded(executor, plan, "bad");
      expect(seen.committed).toBe(false);
      expect(seen.attempts[0]?.end).toMatchObject({
        exitCode: 65,
        cause: null,
      });
      expect(seen.attempts[0]?.end?.reason).toContain("no photographs");
      await executor.apply(plan, [start("bad", 2)]);
      const again = await waitFor("attempt 2", async () => {
        const now = await look(executor, plan, "bad");
        return now?.attempts[1]?.end ? now : null;
      });
      expect(again.attempts.map(({ number }) => number)).toEqual([1, 2]);
      await executor.close();
    });

    it("says that something changed when an attempt ends, and gives up waiting when told to", async () => {
      const plan = buildPlan({ good: {} });
      const { executor } = await open(behaviourOf);
      const never = new AbortController();
      await executor.apply(plan, [start("good")]);
      await waitFor("the end", async () => {
        await executor.changed(never.signal);
        const seen = await look(executor, plan, "good");
        return seen?.attempts.at(-1)?.end ? true : null;
      });
      const stop = new AbortController();
      const waiting = executor.changed(stop.signal);
      stop.abort();
      await waiting;
      await executor.close();
    });

    it("stops a running attempt for the cause that it is given", async () => {
      const plan = buildPlan({ hang: {} });
      const { executor } = await open(behaviourOf);
      await executor.apply(plan, [start("hang")]);
      expect((await look(executor, plan, "hang"))?.attempts[0]?.end).toBeNull();
      await executor.apply(plan, [
        { kind: "stop", task: "hang", cause: "deadline", reason: "too long" },
      ]);
      const seen = await untilEnded(executor, plan, "hang");
      expect(seen.attempts[0]?.end).toMatchObject({
        cause: "deadline",
        reason: "too long",
      });
      await executor.close();
    });

    it("ends what still runs when it is closed, and puts that down to itself", async () => {
      const plan = buildPlan({ hang: {}, "hang-too": {} });
      const { executor } = await open(behaviourOf);
      await executor.apply(plan, [start("hang"), start("hang-too")]);
      await executor.close();
      const { tasks } = await executor.observe(plan);
      for (const { attempts } of tasks.values())
        expect(attempts[0]?.end?.cause).toBe("stopped-by-us");
    });

    it("starts nothing while somebody else holds the key, says who, and sees when they let go", async () => {
      const plan = buildPlan({ good: {} });
      const { executor, holdKey } = await open(behaviourOf);
      const release = await holdKey("good");
      await executor.apply(plan, [start("good")]);
      const seen = await look(executor, plan, "good");
      expect(seen?.attempts).toEqual([]);
      expect(seen?.heldBy).toContain("elsewhere");
      await release();
      expect((await look(executor, plan, "good"))?.heldBy).toBeNull();
      await executor.apply(plan, [start("good")]);
      expect((await untilEnded(executor, plan, "good")).committed).toBe(true);
      await executor.close();
    });
  });
}
