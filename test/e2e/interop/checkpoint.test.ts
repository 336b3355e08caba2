/** Other people's readers open a checkpoint: the reference implementation of safetensors, and PyTorch where it is installed. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { defaultCheckpoint } from "../../../src/spec/defaults.ts";
import { createCheckpointStore } from "../../../src/store/checkpoints/checkpoints.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { layout } from "../../../src/store/layout.ts";
import { findPythonWithSafetensors } from "../../support/python-safetensors.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const python = findPythonWithSafetensors();
const shapes = {
  model: new Map([
    ["encoder/conv1/weight", [3, 2]],
    ["encoder/conv1/bias", [2]],
    ["scale", []],
  ]),
  optimizer: new Map([["encoder/conv1/weight/momentum", [3, 2]]]),
};

// Skipped where it is not installed and there is no network to install it from; in CI that is a failure.
test.runIf(python !== null || process.env["CI"])(
  "names, shapes and numbers of a checkpoint are read as they were saved, from bytes that the reference writer makes too",
  async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    const key = "d".repeat(64);
    const checkpoints = createCheckpointStore({
      ...defaultCheckpoint,
      store,
      key,
      epoch: 1,
    });
    checkpoints.prepare(shapes);
    const saved: Record<string, unknown> = {};
    const saving = await checkpoints.save({
      step: 700,
      async copyInto(targets) {
        for (const [name, target] of targets) {
          const values = Float32Array.from(
            { length: target.byteLength / 4 },
            (_, i) => i / 3 - name.length,
          );
          target.set(new Uint8Array(values.buffer));
          const shape = shapes.model.get(name) ?? shapes.optimizer.get(name);
          saved[name] = { shape, values: [...values] };
        }
      },
      state: {},
      metrics: {},
    });
    await saving.written;
    await checkpoints.close();
    const files = ["model", "optimizer"].map((name) =>
      path.join(
        directory,
        layout.checkpoint(key, 1, 700),
        `${name}.safetensors`,
      ),
    );
    const script = path.join(import.meta.dirname, "read_checkpoint.py");
    const output = execFileSync(python ?? "", [script, ...files]);
    expect(JSON.parse(output.toString())).toMatchObject({
      tensors: saved,
      same: { "model.safetensors": true, "optimizer.safetensors": true },
    });
  },
  120_000,
);
