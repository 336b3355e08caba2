/**
 * torchvision's networks as torchvision builds them, at their full size: their files are imported, say the same of a picture, and go
 * back with the bytes that they had. Skipped where Python has no torchvision, which nothing installs.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng } from "../../../src/data/pixels/decode.ts";
import { writeFeatures } from "../../../src/stages/weights/features.ts";
import {
  exportWeights,
  importWeights,
} from "../../../src/stages/weights/weight-service.ts";
import {
  decodeSafetensors,
  toFloat32Array,
  type Safetensors,
} from "../../../src/store/artifacts/safetensors.ts";
import { relativeDifference } from "../../support/engine.ts";
import { findPythonWithSafetensors } from "../../support/python-safetensors.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";
import { engineDirectory } from "../../support/training-stages.ts";

const python = findPythonWithSafetensors();
const hasTorchvision =
  python !== null &&
  spawnSync(python, ["-c", "import torchvision, PIL"]).status === 0;
const script = path.join(import.meta.dirname, "torchvision_networks.py");
const run = (...args: readonly string[]) => {
  execFileSync(python ?? "", [script, ...args], { stdio: "pipe" });
};

let folder = "";
let remove = async () => {};
const at = (name: string) => path.join(folder, name);
const bytesOf = async (name: string) =>
  new Uint8Array(await readFile(at(name)));
const mapsOf = ({ tensors }: Safetensors, name: string) =>
  toFloat32Array(tensors.get(name) as never);

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  const side = 224;
  const pixels = Uint8Array.from(
    { length: side * side * 3 },
    (_, i) => (Math.sin(i / 700) * 0.5 + 0.5) * 255,
  );
  await writeFile(
    at("a.png"),
    await encodePng({ width: side, height: side, pixels }),
  );
});
afterAll(() => remove());

describe.runIf(hasTorchvision)("torchvision", () => {
  test.each([
    ["alexnet", "fc7"],
    ["vgg16", "fc7"],
    ["resnet50", "layer4"],
    ["resnet101", "layer4"],
    ["resnet152", "layer4"],
  ])(
    "%s is imported, has the same features, and goes back byte for byte",
    async (arch, layer) => {
      run("make", arch, at("theirs"));
      await importWeights({
        file: at("theirs"),
        arch,
        names: "torchvision",
        scale: {},
        output: at("ours"),
      });
      const source = { file: at("ours") };
      await writeFeatures({
        source,
        images: [at("a.png")],
        layer,
        output: at("features"),
        engine: { directory: engineDirectory(), threads: 2 },
      });
      run("features", arch, at("theirs"), at("a.png"), at("want"));
      const found = mapsOf(
        decodeSafetensors(await bytesOf("features")),
        "a.png",
      );
      const want = mapsOf(decodeSafetensors(await bytesOf("want")), "maps");
      expect(Math.max(...want)).toBeGreaterThan(0);
      expect(relativeDifference(found, want)).toBeLessThan(1e-4);

      await exportWeights({
        source,
        names: "torchvision",
        output: at("back"),
      });
      expect(
        Buffer.compare(await bytesOf("back"), await bytesOf("theirs")),
      ).toBe(0);
    },
    180_000,
  );
});
