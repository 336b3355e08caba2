/** Every task that a fine-tuning can name. A new one is one more entry; the compiler asks for it here. */
import type {
  DownstreamTaskKind,
  SettingsOf,
  TaskSettings,
} from "../spec/params/params-tasks.ts";
import type { DownstreamTask } from "./task.ts";
import { createFewLabel } from "./tasks/few-label.ts";
import { createMultiLabel } from "./tasks/multi-label.ts";
import { createSegmentation } from "./tasks/segmentation.ts";

const tasks: {
  readonly [K in DownstreamTaskKind]: (
    settings: SettingsOf<K>,
  ) => DownstreamTask;
} = {
  "few-label": createFewLabel,
  "multi-label": createMultiLabel,
  segmentation: createSegmentation,
};

/** The task with its settings. */
export function createTask(settings: TaskSettings): DownstreamTask {
  // The table ties each kind to its settings; which of them these are is data.
  const create = tasks[settings.kind] as (
    settings: TaskSettings,
  ) => DownstreamTask;
  return create(settings);
}
