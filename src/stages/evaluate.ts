/** The stage `evaluate`: measures a model on images that it has not seen, by the task that the pipeline names. */
import { evaluateClassification } from "./evaluate/_evaluate-classification.ts";
import { evaluateColorization } from "./evaluate/_evaluate-colorization.ts";
import { evaluateMultiLabel } from "./evaluate/_evaluate-multi-label.ts";
import { evaluateSegmentation } from "./evaluate/_evaluate-segmentation.ts";
import type { RunStage, StageContext, StageResult } from "./stage.ts";

type Evaluate = StageContext<"evaluate">;

const tasks: Readonly<
  Record<
    Evaluate["params"]["task"],
    (context: Evaluate) => Promise<StageResult>
  >
> = {
  classification: evaluateClassification,
  "multi-label": evaluateMultiLabel,
  segmentation: evaluateSegmentation,
  colorization: evaluateColorization,
};

export const runEvaluate: RunStage<"evaluate"> = (context) =>
  tasks[context.params.task](context);
