/**
 * Weights outside the graph: named float32 arrays, their declarations and their first values. Pure; no TensorFlow.
 *
 * A A first value depends on the seed, the weight's name and the element's index alone: adding a layer changes no other.
 * B Layouts are those of the graph: convolutions [height, width, in, out], linear layers [in, out]
 *   (docs/formats.md, "weights.safetensors", says how they turn into PyTorch's).
 */
import { streamOf, uniform } from "../base/random.ts";

export type WeightArray = {
  readonly shape: readonly number[];
  readonly values: Float32Array;
};

/** By name, e.g. `conv1/weight`. */
export type Weights = ReadonlyMap<string, WeightArray>;

export type WeightDeclaration = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
};

/** `xavier`: Glorot and Bengio, 2010; `he`: He et al., 2015, for the ReLU behind it; `normal`: with this standard deviation. */
export type Init =
  "xavier" | "he" | "zero" | "one" | { readonly normal: number };

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Declared weights with their first values (invariant A). */
export function createWeights(
  declarations: readonly WeightDeclaration[],
  seed: number,
): Weights {
  return new Map(
    declarations.map((declared) => [
      declared.name,
      {
        shape: declared.shape,
        values: firstValuesOf(declared, seed),
      },
    ]),
  );
}

type FirstValues = (declared: WeightDeclaration, seed: number) => Float32Array;

const firstValues: Readonly<Record<Extract<Init, string>, FirstValues>> = {
  xavier: xavierUniform,
  he: heNormal,
  zero: ({ shape }) => new Float32Array(sizeOf(shape)),
  one: ({ shape }) => new Float32Array(sizeOf(shape)).fill(1),
};

function firstValuesOf(
  declared: WeightDeclaration,
  seed: number,
): Float32Array {
  const { init } = declared;
  return typeof init === "string"
    ? firstValues[init](declared, seed)
    : normalValues(declared, seed, init.normal);
}

/** Uniform in ± sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010). */
function xavierUniform(
  { name, shape }: WeightDeclaration,
  seed: number,
): Float32Array {
  const [fanIn = 1, fanOut = 1] = shape.slice(-2);
  const window = sizeOf(shape.slice(0, -2));
  const bound = Math.sqrt(6 / (window * (fanIn + fanOut)));
  const stream = streamOf(name);
  return Float32Array.from(
    { length: sizeOf(shape) },
    (_, index) => (2 * uniform(seed, stream, index) - 1) * bound,
  );
}

/** Normal with variance 2 / fan in (He et al., 2015). */
function heNormal(declared: WeightDeclaration, seed: number): Float32Array {
  const fanIn = sizeOf(declared.shape.slice(0, -1));
  return normalValues(declared, seed, Math.sqrt(2 / fanIn));
}

/** By the transform of Box and Muller (1958), from two uniform numbers an element. */
function normalValues(
  { name, shape }: WeightDeclaration,
  seed: number,
  deviation: number,
): Float32Array {
  const stream = streamOf(name);
  return Float32Array.from({ length: sizeOf(shape) }, (_, index) => {
    // Not 0, whose logarithm is infinite.
    const radius = Math.sqrt(
      -2 * Math.log(1 - uniform(seed, stream, index, 0)),
    );
    const angle = 2 * Math.PI * uniform(seed, stream, index, 1);
    return deviation * radius * Math.cos(angle);
  });
}

/** The weight of that name; a missing one is a bug of the caller. */
export function weightOf(weights: Weights, name: string): WeightArray {
  const found = weights.get(name);
  if (!found)
    throw new Error(
      `no weight '${name}' among ${[...weights.keys()].join(", ")}`,
    );
  return found;
}

/** Only the declared weights, in the order of the declarations. */
export function pickWeights(
  weights: Weights,
  declarations: readonly Pick<WeightDeclaration, "name">[],
): Weights {
  return new Map(
    declarations.map(({ name }) => [name, weightOf(weights, name)]),
  );
}

/** How many numbers these weights are. */
export function parameterCount(
  declarations: readonly Pick<WeightDeclaration, "shape">[],
): number {
  return declarations.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
