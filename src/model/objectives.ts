/** Every task that a pipeline can pretrain on. A new one is one more entry; the compiler asks for it here. */
import type { ObjectiveKind } from "../spec/params/params-pretext.ts";
import type { Objective } from "./objective.ts";
import { classify, type ResolvedClassify } from "./objectives/classify.ts";
import { colorize, type ResolvedColorize } from "./objectives/colorize.ts";

/** The settings that each kind's objective works with. */
export type ObjectiveSettings = {
  readonly colorize: ResolvedColorize;
  readonly classify: ResolvedClassify;
};

export const objectives: {
  readonly [K in ObjectiveKind]: Objective<ObjectiveSettings[K]>;
} = { colorize, classify };
