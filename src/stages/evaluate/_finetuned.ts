/** Models of a finetune stage, as functions from gray images to what their task predicts. */
import { UserError } from "../../base/errors.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import { networkInputs } from "../../data/pixels/color.ts";
import { geometryOf } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import { createPredictor, type Predictor } from "../../train/jobs/predictor.ts";
import { createTask } from "../../train/tasks.ts";
import { openStageEngine } from "../_context.ts";
import {
  FINETUNED_FILE,
  readModelDescription,
  readEncoderWeights,
  type FinetunedDescription,
  type ModelFiles,
} from "../_model-files.ts";
import type { StageContext } from "../stage.ts";

type Kind = FinetunedDescription["kind"];

/** The description of a model of this kind. @throws UserError `model.kind` */
export async function readFinetuned<K extends Kind>(
  files: ModelFiles,
  kind: K,
): Promise<Extract<FinetunedDescription, { kind: K }>> {
  const model = await readModelDescription(files);
  if (model.kind === kind)
    return model as Extract<FinetunedDescription, { kind: K }>;
  throw new UserError({
    code: "model.kind",
    message: `expected a ${kind}; found a model of kind '${model.kind}'`,
    hint: "take the model of a finetune stage that trains for this task, or evaluate with the task that the model was trained for",
  });
}

/** Compiles the model for batches of the dataset's images. */
export async function openFinetuned(
  context: Pick<StageContext, "engine">,
  files: ModelFiles,
  given: {
    readonly model: FinetunedDescription;
    readonly images: ImageSet;
    readonly batch: number;
  },
): Promise<Predictor> {
  const { model, batch } = given;
  const { width, height } = given.images.imageSize;
  const task = createTask(model.task);
  const network = task.extend(networkOf(model.network));
  return createPredictor({
    engine: openStageEngine(context.engine),
    network,
    weights: await readEncoderWeights(
      files,
      FINETUNED_FILE,
      network,
      task.declarations(geometryOf(network), model.classes.length),
    ),
    shape: [batch, height, width, networkInputs[model.input].channels],
    outputs: (layers, parameters) =>
      task.predict({ layers, parameters, size: [height, width] }),
  });
}

/** @throws UserError `evaluate.classes` where the dataset's classes are not the model's, in the same order. */
export function checkClasses(
  model: readonly string[],
  dataset: readonly string[],
): void {
  if (model.join("\n") === dataset.join("\n")) return;
  throw new UserError({
    code: "evaluate.classes",
    message: `the model knows the classes ${list(model)}; the dataset has ${list(dataset)}`,
    hint: "evaluate on a dataset with the classes that the model was trained on",
  });
}

function list(classes: readonly string[]): string {
  const shown = classes.slice(0, 5).join(", ");
  return classes.length > 5
    ? `${shown}, … (${classes.length})`
    : shown || "(none)";
}
