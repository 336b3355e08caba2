import { createManualClock } from "../support/manual-clock.ts";
import { createFakeExecutor } from "../support/fake-executor.ts";
import { describeExecutor } from "../contract/executor.ts";

describeExecutor("the fake executor of tests", async (behaviourOf) => {
  const held = new Set<string>();
  const ends = {
    succeed: { exitCode: 0 },
    "bad-data": { exitCode: 65, reason: "no photographs" },
    hang: null,
  };
  const executor = createFakeExecutor({
    clock: createManualClock(),
    script: (task) => ends[behaviourOf(task)],
    heldBy: (task) => (held.has(task) ? "run elsewhere" : null),
  });
  const holdKey = async (task: string) => {
    held.add(task);
    return async () => {
      held.delete(task);
    };
  };
  return { executor, holdKey };
});
