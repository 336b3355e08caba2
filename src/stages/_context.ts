/** What the training stages need of their context: the engine and their inputs. */
import { StoppedError } from "../base/errors.ts";
import { openEngine, type Engine } from "../engine/engine.ts";
import type { EngineOptions, InputArtifact, StageContext } from "./stage.ts";

/** Where the pipeline says nothing: at most some tens of seconds of work. */
export const CHECKPOINT_EVERY = { steps: 250 } as const;

/** The native engine, with results that are the same bits from run to run. */
export function openStageEngine(options: EngineOptions): Engine {
  return openEngine({ ...options, deterministic: true });
}

/** The artifact of an input of arity `one`. */
export function inputOf(
  { inputs }: Pick<StageContext, "inputs">,
  name: string,
): InputArtifact {
  const [artifact, ...more] = inputs[name] ?? [];
  if (!artifact || more.length > 0)
    throw new Error(
      `input '${name}' has ${inputs[name]?.length ?? 0} artifacts, not one`,
    );
  return artifact;
}

/** For stages that are done in seconds: nothing is saved, the next attempt begins again. */
export function stopIfAborted({ signal }: Pick<StageContext, "signal">): void {
  if (signal.aborted) throw new StoppedError("stopped between two batches");
}
