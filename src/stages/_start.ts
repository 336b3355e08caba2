/** Weights that a pretraining starts from instead of new ones. */
import { UserError } from "../base/errors.ts";
import { isFolded, normalizedUnits } from "../model/encoder-weights.ts";
import { geometryOf } from "../model/network.ts";
import type { WeightDeclaration, Weights } from "../model/weights.ts";
import {
  modelOptionsOf,
  type ModelChoice,
} from "../spec/params/params-model.ts";
import { inputOf } from "./_context.ts";
import {
  HEAD_FILE,
  openModelFiles,
  readEncoder,
  readWeights,
} from "./_model-files.ts";
import type { StageContext } from "./stage.ts";

/**
 * Those of the input `weights`, the head's left out unless it is kept; undefined: there is no such input.
 * @throws UserError `pretrain.model`, `pretrain.folded`, `pretrain.head`
 */
export async function readStart(
  context: StageContext<"pretrain">,
  headOf: (
    layers: ReturnType<typeof geometryOf>,
  ) => readonly WeightDeclaration[],
): Promise<Weights | undefined> {
  const { model, keepHead = false } = context.params;
  if ((context.inputs["weights"] ?? []).length === 0) {
    if (keepHead)
      throw new UserError({
        code: "pretrain.head",
        message:
          "keepHead starts from the head of other weights, and there are none",
        hint: "give the stage an input `weights`",
      });
    return undefined;
  }
  const files = openModelFiles(
    context.store,
    inputOf(context, "weights").manifest,
  );
  const { network, weights } = await readEncoder(files);
  checkModel(network.model, model);
  if (isFolded(network, weights) && normalizedUnits(network).length > 0)
    throw new UserError({
      code: "pretrain.folded",
      message:
        "the batch norm of the weights has been folded, and training needs it",
      hint: "start from the weights in front of `convert`, or say batchNorm: none",
    });
  const head = headOf(geometryOf(network));
  if (!keepHead) {
    const left = new Set(head.map(({ name }) => name));
    return new Map([...weights].filter(([name]) => !left.has(name)));
  }
  // A pretraining keeps its head apart; an imported network has it beside the encoder.
  const own = files.paths.includes(HEAD_FILE)
    ? await readWeights(files, HEAD_FILE, [])
    : new Map<string, never>();
  const start = new Map([...weights, ...own]);
  checkHead(start, head);
  return start;
}

function checkModel(found: ModelChoice, wanted: ModelChoice): void {
  const [own, theirs] = [wanted, found].map((choice) =>
    Object.entries(modelOptionsOf(choice)),
  );
  const known = new Map(theirs);
  const differences = (own ?? []).filter(
    ([option, value]) => known.get(option) !== value,
  );
  if (differences.length === 0) return;
  const words = (of: (option: string, value: unknown) => unknown) =>
    differences
      .map(([option, value]) => `${option} ${String(of(option, value))}`)
      .join(", ");
  throw new UserError({
    code: "pretrain.model",
    message: `expected weights of the model that is trained: ${words((_, value) => value)}; found ${words((option) => known.get(option))}`,
    hint: "say the same under `model`, or change the weights with `convert` first",
  });
}

function checkHead(weights: Weights, head: readonly WeightDeclaration[]): void {
  for (const { name, shape } of head) {
    const found = weights.get(name)?.shape;
    if (found?.join() === shape.join()) continue;
    throw new UserError({
      code: "pretrain.head",
      message: `keepHead expects '${name}' as [${shape.join(", ")}] among the weights, found ${found ? `[${found.join(", ")}]` : "no such tensor"}`,
      hint: "leave keepHead out: the head is then new",
    });
  }
}
