/**
 * The run function of every kind of task. Each loads its stage when it is called: packing shards or rendering a report
 * loads no TensorFlow. The counterpart of `spec/stage-kinds.ts`; a new kind there makes the compiler ask for its entry here.
 */
import type { TaskKind } from "../plan/plan.ts";
import type { RunStage } from "./stage.ts";

export const stages: { readonly [K in TaskKind]: RunStage<K> } = {
  shard: async (context) => (await import("./shard.ts")).runShard(context),
  catalog: async (context) =>
    (await import("./catalog.ts")).runCatalog(context),
  concat: async (context) => (await import("./concat.ts")).runConcat(context),
  "label-map": async (context) =>
    (await import("./label-map.ts")).runLabelMap(context),
  initialize: async (context) =>
    (await import("./initialize.ts")).runInitialize(context),
  pretrain: async (context) =>
    (await import("./pretrain.ts")).runPretrain(context),
  finetune: async (context) =>
    (await import("./finetune.ts")).runFinetune(context),
  evaluate: async (context) =>
    (await import("./evaluate.ts")).runEvaluate(context),
  convert: async (context) =>
    (await import("./convert.ts")).runConvert(context),
  compare: async (context) =>
    (await import("./compare.ts")).runCompare(context),
  report: async (context) => (await import("./report.ts")).runReport(context),
};
