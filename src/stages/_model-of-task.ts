/**
 * Which network a task of a plan makes weights of, by its parameters and those of the tasks in front of it: for whoever looks at a
 * plan before anything is there.
 */
import { withInput, withMode } from "../model/convert.ts";
import type { Task } from "../plan/plan.ts";
import { convertParams } from "../spec/params/params-convert.ts";
import { initializeParams } from "../spec/params/params-initialize.ts";
import { model, type ModelChoice } from "../spec/params/params-model.ts";
import { torchvisionArchs } from "./weights/_torchvision-file.ts";

/** The task that an input names first. */
export type Upstream = (task: Task, input: string) => Task | undefined;

type ModelOf = (task: Task, upstream: Upstream) => ModelChoice | null;

const models: Readonly<Partial<Record<Task["kind"], ModelOf>>> = {
  pretrain: ({ params }) => model.parse(params["model"]),

  initialize({ params }) {
    const { model: own, arch, width, depth } = initializeParams.parse(params);
    if (own !== undefined) return own;
    if (arch === undefined) return null;
    // Torchvision's networks read colours; a file for gray has fewer weights than these.
    const scale = {
      ...(width === undefined ? {} : { width }),
      ...(depth === undefined ? {} : { depth }),
    };
    return Object.assign({}, torchvisionArchs[arch], { input: "rgb" }, scale);
  },

  convert(task, upstream) {
    const { input, mode } = convertParams.parse(task.params);
    const given = modelOfWeights(task, upstream);
    const padded = given && mode ? withMode(given, mode) : given;
    return padded && input ? withInput(padded, input) : padded;
  },
};

/** Of a task's input `weights`; null: only the file that they come from says it, or the store. */
export function modelOfWeights(
  task: Task,
  upstream: Upstream,
): ModelChoice | null {
  const source = upstream(task, "weights");
  const modelOf = source && models[source.kind];
  return modelOf ? modelOf(source, upstream) : null;
}
