/**
 * `PipelineSpec` to `Plan`: drafts get names, keys and a digest. Pure and deterministic (invariant D): no clock, no
 * network; what lies at the places that the pipeline names is told by the caller as fingerprints.
 */
import type { JsonObject, PipelineSpec } from "../spec/pipeline-spec.ts";
import { declarationOf, type PlaceContent } from "../spec/stage-kinds.ts";
import { canonicalJson, taskKey, type KeyInput } from "./keys.ts";
import { draftTasks, type TaskDraft } from "./matrix.ts";
import { nameTasks } from "./names.ts";
import type { Plan, SourceFingerprints, Task } from "./plan.ts";
import { planDigest } from "./serialize.ts";

/** The plan of a spec. `sources` has an entry for every place of `placesOf(spec)`. */
export function createPlan(
  spec: PipelineSpec,
  options: { readonly sources: SourceFingerprints },
): Plan {
  const drafts = draftTasks(spec);
  const names = nameTasks(
    drafts.map(({ from, part }) => ({
      stage: from.stage.name,
      cell: from.cell,
      part,
    })),
  );
  const describe = createParamsDescriber(options.sources);
  const tasks: Task[] = [];
  for (const [i, draft] of drafts.entries()) {
    const { stage, cell, seed } = draft.from;
    const { params, ...described } = describe(draft);
    const inputs = mapInputs(draft, (index) => names[index] ?? "");
    tasks.push(
      Object.freeze({
        name: names[i] ?? "",
        stage: stage.name,
        kind: draft.kind,
        cell,
        params,
        seed,
        inputs,
        part: draft.part,
        resources: stage.resources,
        checkpoint: stage.checkpoint,
        timeoutMs: stage.timeoutMs,
        key: taskKey({
          kind: draft.kind,
          contract: declarationOf(stage.kind).contract,
          ...described,
          seed,
          part: draft.part,
          inputs: keyInputs(draft, tasks),
        }),
      }),
    );
  }
  const plan = {
    pipeline: spec.name,
    description: spec.description,
    params: spec.params,
    stages: spec.stages.map(({ name, kind }) => ({ name, kind })),
    sources: Object.fromEntries(
      placesOf(spec).map(({ place }) => [
        place,
        fingerprintOf(place, options.sources),
      ]),
    ),
    tasks,
  };
  return Object.freeze({ ...plan, digest: planDigest(plan) });
}

/** A place that a pipeline reads, and what is expected there. */
export type Place = { readonly place: string; readonly holds: PlaceContent };

/** The places that the shell has to fingerprint before planning, each once, sorted. */
export function placesOf(spec: PipelineSpec): readonly Place[] {
  const places = new Map<string, PlaceContent>();
  for (const stage of spec.stages)
    for (const [param, holds] of Object.entries(
      declarationOf(stage.kind).places,
    ))
      for (const { params } of stage.variants) {
        const place = params[param];
        if (typeof place === "string") places.set(place, holds);
      }
  return [...places]
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([place, holds]) => ({ place, holds }));
}

function mapInputs<T>(
  draft: TaskDraft,
  map: (index: number) => T,
): Record<string, readonly T[]> {
  const mapped: Record<string, readonly T[]> = {};
  for (const input in draft.inputs)
    mapped[input] = (draft.inputs[input] ?? []).map(map);
  return mapped;
}

/** What the inputs contribute to the key; `tasks` holds all upstream tasks already. */
function keyInputs(
  draft: TaskDraft,
  tasks: readonly Task[],
): Record<string, readonly KeyInput[]> {
  const declared = declarationOf(draft.from.stage.kind).inputs;
  const inputs: Record<string, readonly KeyInput[]> = {};
  for (const input in draft.inputs) {
    const isGathered = declared[input]?.arity === "all";
    inputs[input] = (draft.inputs[input] ?? []).flatMap((index): KeyInput[] => {
      const task = tasks[index];
      if (task === undefined) return [];
      return [isGathered ? [task.key, task.stage, task.cell] : task.key];
    });
  }
  return inputs;
}

type DescribedParams = {
  /** In the order of a plan that was read: what a task writes of them has the same bytes, whoever made the plan. */
  readonly params: JsonObject;
  readonly paramsJson: string;
  readonly sources: Readonly<Record<string, string>>;
};

/** Parameters without places, and the fingerprints of those; worked out once per parameters object. */
function createParamsDescriber(
  fingerprints: SourceFingerprints,
): (draft: TaskDraft) => DescribedParams {
  const known = new Map<JsonObject, DescribedParams>();
  return ({ from }) => {
    const found = known.get(from.params);
    if (found !== undefined) return found;
    const places = Object.keys(declarationOf(from.stage.kind).places);
    const sources = Object.fromEntries(
      places.flatMap((param) => {
        const place = from.params[param];
        return typeof place === "string"
          ? [[param, fingerprintOf(place, fingerprints)]]
          : [];
      }),
    );
    const rest = Object.fromEntries(
      Object.entries(from.params).filter(([param]) => !places.includes(param)),
    );
    const params = JSON.parse(canonicalJson(from.params)) as JsonObject;
    const described = { params, paramsJson: canonicalJson(rest), sources };
    known.set(from.params, described);
    return described;
  };
}

function fingerprintOf(place: string, known: SourceFingerprints): string {
  const fingerprint = known.get(place);
  if (fingerprint === undefined)
    throw new Error(`no fingerprint for the place '${place}'`);
  return fingerprint;
}
