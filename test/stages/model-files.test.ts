import { describe, expect, test } from "vitest";
import { encoderDeclarations } from "../../src/model/encoder-weights.ts";
import { unitsOf } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { createWeights, type Weights } from "../../src/model/weights.ts";
import {
  encodeModelDescription,
  encodeWeights,
  readEncoder,
  readModelDescription,
  readWeights,
  type ModelDescription,
  type ModelFiles,
} from "../../src/stages/_model-files.ts";
import { encodeSafetensors } from "../../src/store/artifacts/safetensors.ts";

const conv6 = networkOf("conv6");
const declarations = encoderDeclarations(conv6);
const description: ModelDescription = {
  kind: "encoder",
  version: 1,
  network: "conv6",
  grayMean: 0.4488,
  dataset: "0".repeat(64),
};
const text = (value: string) => new TextEncoder().encode(value);
const filesOf = (files: Readonly<Record<string, Uint8Array>>): ModelFiles => ({
  paths: Object.keys(files),
  read: (path) => Promise.resolve(files[path] ?? new Uint8Array()),
  placeOf: (path) => `cas/k/a1/${path}`,
  manifestPath: "cas/k/manifest.json",
});

function withStatistics(weights: Weights): Weights {
  const statistics = unitsOf(conv6).flatMap(({ name, width }) =>
    ["mean", "variance"].map(
      (which) =>
        [
          `${name}/${which}`,
          { shape: [width], values: new Float32Array(width).fill(1) },
        ] as const,
    ),
  );
  return new Map([...weights, ...statistics]);
}

describe("models as files", () => {
  test("an encoder comes back as it was written", async () => {
    const weights = withStatistics(createWeights(declarations, 5));
    const read = filesOf({
      "model.json": encodeModelDescription(description),
      "weights.safetensors": encodeWeights(weights),
    });
    const encoder = await readEncoder(read);
    expect(encoder.network).toEqual(conv6);
    for (const [name, array] of weights)
      expect(encoder.weights.get(name)).toEqual(array);
  });

  test.each([
    ["no JSON", "{"],
    ["another version", JSON.stringify({ ...description, version: 2 })],
    ["an unknown network", JSON.stringify({ ...description, network: "x" })],
    [
      "a kind without its settings",
      JSON.stringify({ ...description, kind: "colorizer" }),
    ],
  ])("model.json with %s is refused", async (_what, json) => {
    await expect(
      readModelDescription(filesOf({ "model.json": text(json) })),
    ).rejects.toMatchObject({ name: "UserError", code: "model.unreadable" });
  });

  test("weights of another shape, and missing ones, are named with both shapes", async () => {
    const weights = new Map(createWeights(declarations, 5));
    weights.set("conv2/bias", { shape: [3], values: new Float32Array(3) });
    const read = filesOf({ "weights.safetensors": encodeWeights(weights) });
    await expect(
      readWeights(read, "weights.safetensors", declarations),
    ).rejects.toMatchObject({
      code: "model.weights",
      message: expect.stringContaining(
        "expected 'conv2/bias' [32], found [3]",
      ) as string,
    });
    weights.delete("conv2/bias");
    const missing = filesOf({ "weights.safetensors": encodeWeights(weights) });
    await expect(
      readWeights(missing, "weights.safetensors", declarations),
    ).rejects.toThrow("found no such tensor");
  });

  test("weights that are no safetensors, or of another type, name their place and how they are made anew", async () => {
    const bytes = Uint8Array.of(0, 0);
    const tensor = { dtype: "F16", shape: [1], bytes } as const;
    const contents = [bytes, encodeSafetensors(new Map([["a", tensor]]))];
    for (const content of contents)
      await expect(
        readWeights(filesOf({ "w.safetensors": content }), "w.safetensors", []),
      ).rejects.toMatchObject({
        name: "UserError",
        message: expect.stringContaining("'cas/k/a1/w.safetensors'") as string,
        hint: expect.stringContaining("remove cas/k/manifest.json") as string,
      });
  });

  test("an encoder without batch-norm statistics has been folded, and comes back as it is", async () => {
    const weights = createWeights(declarations, 5);
    const read = filesOf({
      "model.json": encodeModelDescription(description),
      "weights.safetensors": encodeWeights(weights),
    });
    expect((await readEncoder(read)).weights.size).toBe(weights.size);
  });

  test("an encoder that has the statistics of some layers alone is refused, and the error says which stages measure them", async () => {
    const weights = withStatistics(createWeights(declarations, 5));
    const some = [...weights].filter(([name]) => name !== "conv3/variance");
    const read = filesOf({
      "model.json": encodeModelDescription(description),
      "weights.safetensors": encodeWeights(new Map(some)),
    });
    await expect(readEncoder(read)).rejects.toMatchObject({
      code: "model.no-statistics",
      hint: expect.stringContaining("initialize") as string,
    });
  });
});
