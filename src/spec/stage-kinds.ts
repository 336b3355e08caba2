/**
 * What each stage kind accepts, consumes, produces and needs: declarations only, light enough for the planner.
 * The run functions are in `stages/stages.ts`, a table over the same union: adding a kind here makes the
 * compiler name every other place. Nobody writes `if kind is pretrain`; shared code asks a property declared here.
 *
 * `contract` is part of every key (invariant C): raise it when the same parameters give other bytes than before.
 * Parameters that only say where something lies are listed in `places` and stay out of the key.
 */
import type { z } from "zod";
import { convertParams } from "./params/params-convert.ts";
import { labelMapParams } from "./params/params-label-map.ts";
import { compareParams } from "./params/params-compare.ts";
import { evaluateParams, finetuneParams } from "./params/params-downstream.ts";
import { initializeParams } from "./params/params-initialize.ts";
import { pretrainParams } from "./params/params-pretext.ts";
import { reportParams } from "./params/params-report.ts";
import { concatParams, shardParams } from "./params/params-shard.ts";
import type { JsonValue } from "./pipeline-spec.ts";

export const STAGE_KINDS = [
  "shard",
  "concat",
  "label-map",
  "initialize",
  "pretrain",
  "finetune",
  "evaluate",
  "compare",
  "convert",
  "report",
] as const;
export type StageKind = (typeof STAGE_KINDS)[number];

/** What an artifact can be used as. */
export type ArtifactType =
  "dataset" | "labels" | "weights" | "model" | "metrics";

export type InputDeclaration = {
  readonly accepts: ArtifactType;
  /** `one`: a list of stages is an axis, one task per upstream cell. `all`: every upstream cell in one task. */
  readonly arity: "one" | "all";
  /** Always, never, or where a parameter has another value than this; null: where it is given. */
  readonly required: boolean | Exception;
  readonly describe: string;
};

export type Exception = {
  readonly unless: { readonly param: string; readonly is: JsonValue };
};

/** What a parameter that is a place names: a folder of files (or a bucket's prefix), or one file (or object). */
export type PlaceContent = "files" | "file";

/** Where parameters speak of axes of the cells of an input, so that a mistyped axis is found before the run. */
export type AxisReference = {
  readonly input: string;
  /** Keys in the parameters; `*` stands for every entry of a list or of a map. */
  readonly path: readonly string[];
  /** The name of an axis or a list of them, or a map of axes to values. */
  readonly holds: "axis" | "selector";
};

export type StageKindDeclaration = {
  readonly describe: string;
  /** An object, strict: a parameter that it does not know is a mistake. Rules across parameters are refinements. */
  readonly params: z.ZodObject;
  readonly inputs: Readonly<Record<string, InputDeclaration>>;
  /** None if absent. */
  readonly axisReferences?: readonly AxisReference[];
  readonly produces: readonly ArtifactType[];
  readonly contract: number;
  /** Uses randomness: gets the `seed` axis. */
  readonly seeded: boolean;
  /** Parameters that are places: not part of the key, replaced there by the fingerprint of what lies there. */
  readonly places: Readonly<Record<string, PlaceContent>>;
  /** The parameter that says how many parts one task is split into; the parts are merged by one more task. */
  readonly parts: string | null;
  /** Loads TensorFlow's native library. */
  readonly needsEngine: boolean;
  readonly resources: { readonly cpu: number; readonly memoryBytes: number };
  readonly pods: PodDeclaration;
};

/** What a cluster needs to know of a kind's tasks. */
export type PodDeclaration = {
  /** Long and dear: each gets a Job, so that it is admitted and preempted by itself. Else many share one. */
  readonly ownJob: boolean;
  /** Between SIGTERM and SIGKILL: what saving a checkpoint takes, and then some. */
  readonly graceSeconds: number;
};

const short: PodDeclaration = { ownJob: false, graceSeconds: 30 };
const training: PodDeclaration = { ownJob: true, graceSeconds: 120 };

const GiB = 2 ** 30;
const axisReferences = (
  input: string,
  holds: AxisReference["holds"],
  paths: readonly string[],
): AxisReference[] =>
  paths.map((path) => ({ input, holds, path: path.split(".") }));
const dataset = (
  describe: string,
  required: InputDeclaration["required"] = true,
): InputDeclaration => ({
  accepts: "dataset",
  arity: "one",
  required,
  describe,
});

export const stageKinds = {
  shard: {
    describe:
      "Packs a source of images into tar shards with an index, and a catalog of them all.",
    params: shardParams,
    inputs: {},
    produces: ["dataset"],
    contract: 3,
    seeded: false,
    places: { source: "files" },
    parts: "shards",
    needsEngine: false,
    resources: { cpu: 1, memoryBytes: GiB / 2 },
    pods: short,
  },
  concat: {
    describe:
      "Puts datasets one behind another, without copying an image; labels stay where all have the same classes.",
    params: concatParams,
    inputs: {
      data: {
        accepts: "dataset",
        arity: "all",
        required: true,
        describe: "the datasets, in their order",
      },
    },
    produces: ["dataset"],
    contract: 1,
    seeded: false,
    places: {},
    parts: null,
    needsEngine: false,
    resources: { cpu: 1, memoryBytes: GiB / 2 },
    pods: short,
  },
  "label-map": {
    describe:
      "Puts the classes of a dataset into buckets, and draws which images are trained on with which label.",
    params: labelMapParams,
    inputs: { data: dataset("labelled images; only their labels are read") },
    produces: ["labels"],
    contract: 1,
    seeded: true,
    places: {},
    parts: null,
    needsEngine: false,
    resources: { cpu: 1, memoryBytes: GiB / 2 },
    pods: short,
  },
  initialize: {
    describe:
      "Makes weights without training: random ones, clusters of patches of images, or those of a file.",
    params: initializeParams,
    inputs: {
      data: dataset(
        "unlabeled images for the batch-norm statistics, and to learn first filters from",
        { unless: { param: "method", is: "imported" } },
      ),
    },
    produces: ["weights"],
    contract: 2,
    seeded: true,
    places: { file: "file" },
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: GiB },
    pods: short,
  },
  pretrain: {
    describe: "Trains an encoder on a proxy task, or on labels.",
    params: pretrainParams,
    inputs: {
      data: dataset("images; only `classify` reads their labels"),
      labels: {
        accepts: "labels",
        arity: "one",
        required: false,
        describe:
          "which of the images are learned from, and as what; a list of stages compares them",
      },
      weights: {
        accepts: "weights",
        arity: "one",
        required: false,
        describe:
          "where training starts, of the same model; new weights without it; a list of stages compares them",
      },
    },
    produces: ["weights", "model", "metrics"],
    contract: 2,
    seeded: true,
    places: {},
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: 1.5 * GiB },
    pods: training,
  },
  finetune: {
    describe:
      "Trains a task head, and the encoder under it, from given weights.",
    params: finetuneParams,
    inputs: {
      weights: {
        accepts: "weights",
        arity: "one",
        required: true,
        describe: "where training starts; a list of stages compares them",
      },
      data: dataset("labelled images"),
    },
    produces: ["model", "metrics"],
    contract: 2,
    seeded: true,
    places: {},
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: GiB },
    pods: training,
  },
  evaluate: {
    describe: "Measures a model on a dataset that it has not seen.",
    params: evaluateParams,
    inputs: {
      model: {
        accepts: "model",
        arity: "one",
        required: true,
        describe: "what is measured",
      },
      data: dataset("held-out images"),
    },
    produces: ["metrics"],
    contract: 3,
    seeded: false,
    places: {},
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: GiB },
    pods: short,
  },
  convert: {
    describe:
      "Gives weights another form: batch norm folded, layers rebalanced, gray or colour input, with or without padding.",
    params: convertParams,
    inputs: {
      weights: {
        accepts: "weights",
        arity: "one",
        required: true,
        describe: "the encoder to convert",
      },
      data: dataset("unlabeled images, for `rebalance`", {
        unless: { param: "rebalance", is: null },
      }),
    },
    produces: ["weights"],
    contract: 2,
    seeded: false,
    places: {},
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: GiB },
    pods: short,
  },
  compare: {
    describe:
      "Measures how far features shifted while an encoder was fine-tuned, on the same images.",
    params: compareParams,
    inputs: {
      weights: {
        accepts: "weights",
        arity: "one",
        required: true,
        describe: "the encoder before fine-tuning",
      },
      model: {
        accepts: "model",
        arity: "one",
        required: true,
        describe: "the model after fine-tuning",
      },
      data: dataset("images that both are shown"),
    },
    produces: ["metrics"],
    contract: 1,
    seeded: false,
    places: {},
    parts: null,
    needsEngine: true,
    resources: { cpu: 1, memoryBytes: GiB },
    pods: short,
  },
  report: {
    describe:
      "Gathers results into tables, learning curves, pictures and a verdict per claim.",
    params: reportParams,
    inputs: {
      results: {
        accepts: "metrics",
        arity: "all",
        required: true,
        describe: "the measurements that the tables and claims read",
      },
      curves: {
        accepts: "metrics",
        arity: "all",
        required: false,
        describe: "training stages whose metrics become learning curves",
      },
    },
    axisReferences: [
      ...axisReferences("results", "axis", [
        "tables.*.rows",
        "tables.*.columns",
        "tables.*.over",
        "claims.*.over",
      ]),
      ...axisReferences("results", "selector", [
        "tables.*.where",
        "claims.*.where",
        "claims.*.of",
        "claims.*.minus",
        "claims.*.arms.*",
        "paper.*.where",
      ]),
      ...axisReferences("curves", "axis", ["curves.*.lines"]),
      ...axisReferences("curves", "selector", ["curves.*.where"]),
    ],
    produces: [],
    contract: 2,
    seeded: false,
    places: {},
    parts: null,
    needsEngine: false,
    resources: { cpu: 1, memoryBytes: GiB / 2 },
    pods: short,
  },
} as const satisfies Readonly<Record<StageKind, StageKindDeclaration>>;

/** The parameters of a kind after defaults. */
export type StageParams<K extends StageKind> = z.output<
  (typeof stageKinds)[K]["params"]
>;

/** The declaration of a kind, widened to what all kinds have. */
export function declarationOf(kind: StageKind): StageKindDeclaration {
  return stageKinds[kind];
}
