/** The upstream artifacts of a task: each reference of its description with the manifest that commits it. */
import { mapBounded } from "../base/async.ts";
import { TransientError } from "../base/errors.ts";
import type {
  InputReference,
  TaskDescription,
} from "../plan/task-description.ts";
import type { InputArtifact, StageContext } from "../stages/stage.ts";
import { layout } from "../store/layout.ts";
import { readManifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";

const MANIFESTS_AT_ONCE = 16;

/**
 * Throws `worker.input-missing` (TransientError: a task is started when its inputs are committed, so this is a store
 * that does not show it yet, or an artifact that was just removed).
 */
export async function readInputs(
  store: Store,
  { inputs }: TaskDescription,
): Promise<StageContext["inputs"]> {
  const artifacts: Record<string, readonly InputArtifact[]> = {};
  for (const [name, references] of Object.entries(inputs))
    artifacts[name] = await mapBounded(
      references,
      MANIFESTS_AT_ONCE,
      (reference) => readInput(store, name, reference),
    );
  return artifacts;
}

async function readInput(
  store: Store,
  name: string,
  reference: InputReference,
): Promise<InputArtifact> {
  const manifest = await readManifest(store, reference.key);
  if (manifest !== null) return { ...reference, manifest };
  throw new TransientError({
    code: "worker.input-missing",
    message: `expected the manifest of input '${name}' (task '${reference.task}') at '${layout.manifest(reference.key)}', found nothing`,
  });
}
