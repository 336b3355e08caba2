/**
 * The evaluation task `multi-label`: how well each class ranks the images that show it. Two published averages side by side, and
 * means over the classes that the dataset shows, which are named.
 */
import { imagesAtOnce } from "../../train/jobs/gray-images.ts";
import { createRanking, type Ranking } from "../../train/scores/ranking.ts";
import { UserError } from "../../base/errors.ts";
import { inputOf } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageOutput, StageResult } from "../stage.ts";
import { toCsv } from "../_csv.ts";
import { checkClasses, openFinetuned, readFinetuned } from "./_finetuned.ts";
import { predictLogits } from "./_logits.ts";

type Evaluate = StageContext<"evaluate">;

export async function evaluateMultiLabel(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const model = await readFinetuned(files, "multi-label-classifier");
  const images = await openStageImages(context, {
    ...params,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
  });
  const { classes } = model;
  checkClasses(classes, images.classes);
  const marks = await images.readMarks();
  const fitting = imagesAtOnce(images.imageSize);
  const batch = Math.min(params.batch, images.size, fitting);
  const predictor = await openFinetuned(context, files, {
    model,
    images,
    batch,
  });
  const logits = await (async () => {
    try {
      return await predictLogits(context, predictor, {
        images,
        batch,
        classes: classes.length,
        input: model.input,
      });
    } finally {
      await predictor.close();
    }
  })();
  const ranking = createRanking(classes.length);
  const scoresOf = (i: number) =>
    logits.subarray(i * classes.length, (i + 1) * classes.length);
  for (let i = 0; i < images.size; i++) ranking.add(scoresOf(i), marks.of(i));
  await output.write(
    "scores.csv",
    toCsv([
      ["sample", ...classes],
      ...Array.from({ length: images.size }, (_, i) => [
        images.sampleName(i),
        ...scoresOf(i),
      ]),
    ]),
  );
  return {
    metrics: {
      ...(await writeScores(output, ranking, classes)),
      images: images.size,
    },
  };
}

/** `average-precision.json`, `precision-recall.csv`, and the metrics: `map`, `map11` and `ap/<class>`. */
async function writeScores(
  output: StageOutput,
  ranking: Ranking,
  classes: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const each = ranking.each();
  const mean = ranking.mean();
  if (!mean) throw nothingShown();
  const named = classes.map((name, label) => ({
    name,
    ...(each[label] as (typeof each)[number]),
  }));
  await output.write(
    "average-precision.json",
    new TextEncoder().encode(
      `${JSON.stringify({ map: mean.stepWise, map11: mean.elevenPoint, classes: named }, null, 2)}\n`,
    ),
  );
  await output.write(
    "precision-recall.csv",
    toCsv([
      ["class", "recall", "precision"],
      ...classes.flatMap((name, label) => {
        const { recall, precision } = ranking.curve(label);
        return recall.map((at, i) => [name, at, precision[i] as number]);
      }),
    ]),
  );
  return {
    map: mean.stepWise,
    map11: mean.elevenPoint,
    classes: mean.classes,
    ...Object.fromEntries(
      named.flatMap(({ name, stepWise }) =>
        stepWise === null ? [] : [[`ap/${name}`, stepWise] as const],
      ),
    ),
  };
}

function nothingShown(): UserError {
  return new UserError({
    code: "data.no-labels",
    message: "expected images that show classes; none of those measured does",
    hint: "raise the limit, or evaluate on a dataset with labels",
  });
}
