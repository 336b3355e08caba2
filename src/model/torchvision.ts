/**
 * The names under which torchvision keeps what our networks have, computed from the declaration. Pure.
 *
 * Chains (AlexNet, VGG) are `features.<i>` and `classifier.<i>`, where i counts every module: convolution, batch norm, ReLU,
 * pool. Local response normalization is not among torchvision's modules and is not counted. Residual networks are
 * `layer<stage>.<block>.conv<k>`, with `downsample.<0|1>` for the projection and `fc` for the classifier.
 */
import { isFolded } from "./encoder-weights.ts";
import type { Unit } from "./layer-rules.ts";
import { unitsOf, type Layer, type Network } from "./network.ts";
import {
  flattenedLayout,
  kernelLayout,
  linearLayout,
  vectorLayout,
  type TensorLayout,
} from "./tensor-layouts.ts";
import type { ModelName } from "../spec/params/params-model.ts";
import type { Weights } from "./weights.ts";

export type NamePair = {
  readonly ours: string;
  readonly theirs: string;
  readonly layout: TensorLayout;
};

export type ForeignNames = {
  /** Of the encoder's weights. */
  readonly encoder: readonly NamePair[];
  /** Of the linear layer above it, which a file may lack. */
  readonly classifier: readonly NamePair[];
  /** Batch norms, which count their batches over there. */
  readonly batchNorms: readonly string[];
  /** What we have and torchvision has no place for, in words. */
  readonly without: readonly string[];
};

type Place = {
  readonly module: string;
  /** Null: there is none over there. */
  readonly batchNorm: string | null;
  readonly layout: TensorLayout;
};

/** Whether batch norm has been folded away. */
type Form = { readonly isFolded: boolean };

/** What differs from one family of networks to the next. */
type Family = {
  /** Modules by convolution. */
  places(network: Network, form: Form): ReadonlyMap<string, Place>;
  readonly classifier: string;
  /** Whether convolutions have biases over there. */
  readonly biases: boolean;
};

const alexnet: Family = {
  places: (network, form) => chain(network, form, [1, 4]),
  classifier: "classifier.6",
  biases: true,
};
const vgg: Family = {
  ...alexnet,
  places: (network, form) => chain(network, form, [0, 3]),
};
const resnet: Family = { places: residual, classifier: "fc", biases: false };

const families: Readonly<Record<ModelName, Family | null>> = {
  conv6: null,
  alexnet,
  vgg16: vgg,
  resnet50: resnet,
  resnet101: resnet,
  resnet152: resnet,
};

/** Names of all weights of a network of this name; null: torchvision has no such network. */
export function torchvisionNames(
  name: ModelName,
  network: Network,
  form: Form,
): ForeignNames | null {
  const family = families[name];
  if (!family) return null;
  const places = family.places(network, form);
  const named = unitsOf(network).map((unit) =>
    namesOf(unit, places.get(unit.name) as Place, { family, form }),
  );
  return {
    encoder: named.flatMap(({ pairs }) => pairs),
    classifier: [
      {
        ours: "classifier/weight",
        theirs: `${family.classifier}.weight`,
        layout: linearLayout,
      },
      vector("classifier/bias", `${family.classifier}.bias`),
    ],
    batchNorms: named.flatMap(({ batchNorms }) => batchNorms),
    without: named.flatMap(({ without }) => without),
  };
}

/** Of weights as they are. */
export function formOf(network: Network, weights: Weights): Form {
  return { isFolded: isFolded(network, weights) };
}

function namesOf(
  unit: Unit,
  { module, batchNorm, layout }: Place,
  { family, form }: { readonly family: Family; readonly form: Form },
) {
  const { name } = unit;
  const normalizes = !form.isFolded && unit.batchNorm !== "none";
  const hasBias = unit.bias || form.isFolded;
  const isTrainable = unit.batchNorm === "trainable";
  return {
    pairs: [
      { ours: `${name}/weight`, theirs: `${module}.weight`, layout },
      ...(hasBias ? [vector(`${name}/bias`, `${module}.bias`)] : []),
      ...(normalizes && batchNorm ? batchNormPairs(name, batchNorm) : []),
    ],
    batchNorms: normalizes && batchNorm ? [batchNorm] : [],
    without: [
      ...(hasBias && !family.biases ? [`a bias of ${name}`] : []),
      ...(normalizes && !batchNorm ? [`batch norm behind ${name}`] : []),
      ...(normalizes && !isTrainable
        ? [`batch norm without parameters behind ${name}`]
        : []),
    ],
  };
}

function vector(ours: string, theirs: string): NamePair {
  return { ours, theirs, layout: vectorLayout };
}

function batchNormPairs(name: string, module: string): NamePair[] {
  return [
    vector(`${name}/gamma`, `${module}.weight`),
    vector(`${name}/beta`, `${module}.bias`),
    vector(`${name}/mean`, `${module}.running_mean`),
    vector(`${name}/variance`, `${module}.running_var`),
  ];
}

/** How many modules of `features` a layer is: convolution, batch norm, ReLU; pool. */
const modulesOf: Readonly<
  Record<Layer["kind"], (normalizes: boolean) => number>
> = {
  convolution: (normalizes) => (normalizes ? 3 : 2),
  "max-pool": () => 1,
  "local-response-norm": () => 0,
  residual: () => 0,
};

/** `connected`: places in `classifier` of the fully connected layers, which stand behind the last pool. */
function chain(
  { layers }: Network,
  form: Form,
  connected: readonly number[],
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const end = layers.findLastIndex(({ kind }) => kind === "max-pool");
  let at = 0;
  for (const layer of layers.slice(0, end)) {
    const normalizes =
      !form.isFolded && "batchNorm" in layer && layer.batchNorm !== "none";
    places.set(layer.name, {
      module: `features.${at}`,
      batchNorm: `features.${at + 1}`,
      layout: kernelLayout,
    });
    at += modulesOf[layer.kind](normalizes);
  }
  for (const [k, { name }] of layers.slice(end + 1).entries())
    places.set(name, {
      module: `classifier.${connected[k]}`,
      batchNorm: null,
      layout: flattenedLayout,
    });
  return places;
}

function residual({ layers }: Network): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const add = (name: string, module: string, batchNorm: string) =>
    places.set(name, { module, batchNorm, layout: kernelLayout });
  let [stage, block] = [0, 0];
  for (const layer of layers) {
    if (layer.kind !== "residual") {
      add(layer.name, "conv1", "bn1");
      continue;
    }
    const { branch, projection } = layer;
    // A stage begins where the width changes.
    [stage, block] = projection ? [stage + 1, 0] : [stage, block + 1];
    const prefix = `layer${stage}.${block}`;
    for (const [k, { name }] of branch.entries())
      add(name, `${prefix}.conv${k + 1}`, `${prefix}.bn${k + 1}`);
    if (projection)
      add(projection.name, `${prefix}.downsample.0`, `${prefix}.downsample.1`);
  }
  return places;
}
