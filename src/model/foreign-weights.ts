/**
 * Weights of other programs as ours, and back. Pure.
 *
 * A Nothing is left out in silence: every expected tensor must be there in its shape, and every tensor that is there must be
 *   expected. The classifier alone may be absent.
 */
import {
  encoderDeclarations,
  statisticsDeclarations,
} from "./encoder-weights.ts";
import type { Network } from "./network.ts";
import type { ForeignNames, NamePair } from "./torchvision.ts";
import { weightOf, type WeightArray, type Weights } from "./weights.ts";

/** What keeps tensors from being the weights of a network: a clause. */
export type Mismatch = { readonly problem: string };

const isMismatch = (value: WeightArray | Mismatch): value is Mismatch =>
  "problem" in value;

/** Our weights out of theirs. `widthAbove`: of the layer that a classifier reads. */
export function fromForeign(
  network: Network,
  names: ForeignNames,
  theirs: Weights,
  widthAbove: number,
): Weights | Mismatch {
  const shapes = shapesOf(network);
  const classes = theirs.get(names.classifier[1]?.theirs ?? "")?.shape[0];
  if (classes !== undefined) {
    shapes.set("classifier/weight", [widthAbove, classes]);
    shapes.set("classifier/bias", [classes]);
  }
  const pairs = [
    ...names.encoder,
    ...(classes === undefined ? [] : names.classifier),
  ];
  const expected = new Set(pairs.map((pair) => pair.theirs));
  const left = [...theirs.keys()].filter((name) => !expected.has(name));
  if (left.length > 0)
    return {
      problem: `holds ${left.length} tensors that this network does not have: ${some(left)}`,
    };
  const ours = new Map<string, WeightArray>();
  for (const pair of pairs) {
    const shape = shapes.get(pair.ours) ?? [];
    const array = toOurs(pair, shape, theirs);
    if (isMismatch(array)) return array;
    ours.set(pair.ours, array);
  }
  return ours;
}

function toOurs(
  { theirs: name, layout }: NamePair,
  shape: readonly number[],
  theirs: Weights,
): WeightArray | Mismatch {
  const found = theirs.get(name);
  const wanted = layout.shapeThere(shape);
  if (!found)
    return { problem: `has no tensor '${name}' [${wanted.join(", ")}]` };
  if (found.shape.join() !== wanted.join())
    return {
      problem: `holds '${name}' as [${found.shape.join(", ")}], expected [${wanted.join(", ")}]`,
    };
  return layout.toOurs(found, shape);
}

/** Their tensors out of our weights; the classifier if there is one. */
export function toForeign(names: ForeignNames, ours: Weights): Weights {
  const pairs = [
    ...names.encoder,
    ...names.classifier.filter((pair) => ours.has(pair.ours)),
  ];
  return new Map(
    pairs.map(({ ours: name, theirs, layout }) => [
      theirs,
      layout.toTheirs(weightOf(ours, name)),
    ]),
  );
}

function shapesOf(network: Network): Map<string, readonly number[]> {
  return new Map(
    [
      ...encoderDeclarations(network),
      ...encoderDeclarations(network, "folded"),
      ...statisticsDeclarations(network),
    ].map(({ name, shape }) => [name, shape]),
  );
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;
}
