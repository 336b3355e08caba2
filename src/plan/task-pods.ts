/** What a cluster needs to know of a task, as its kind declares it; the merge of a split stage is like its parts. */
import { declarationOf, type PodDeclaration } from "../spec/stage-kinds.ts";
import type { Task } from "./plan.ts";

export function podsOf({ kind }: Task): PodDeclaration {
  return declarationOf(kind === "catalog" ? "shard" : kind).pods;
}
