/** Every proxy task that a pipeline can name. A new one is one more entry; the compiler asks for it here. */
import type { ObjectiveKind } from "../spec/params/params-pretext.ts";
import type { Objective } from "./objective.ts";
import { colorize, type ResolvedColorize } from "./objectives/colorize.ts";

/** The settings that each kind's objective works with. */
export type ObjectiveSettings = { readonly colorize: ResolvedColorize };

export const objectives: {
  readonly [K in ObjectiveKind]: Objective<ObjectiveSettings[K]>;
} = { colorize };
