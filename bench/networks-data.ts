/** What the arms of `networks.ts` and `large-networks.ts` are given: weights and batches as files, and the engine. */
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../src/engine/location.ts";
import { geometryOf } from "../src/model/network.ts";
import { openCase, type CaseName } from "./networks-cases.ts";
import { startArm, type Arm } from "./support/arms.ts";

const BATCHES = 2;

/** What an arm says of a round beside its figures. */
export type Said = {
  readonly firstLoss: number;
  readonly loss: number;
  readonly startPeakBytes: number;
};

/** The engine's arm. */
export function startCompiled(options: {
  readonly name: CaseName;
  readonly folder: string;
  readonly threads: string;
  readonly steps: string;
}): Arm {
  const { name, folder, threads, steps } = options;
  const script = fileURLToPath(new URL("networks-arm.ts", import.meta.url));
  const program = [process.execPath, script, engineFolder()];
  return startArm("compiled", [...program, name, folder, threads, steps]);
}

/** Declarations, weights and batches as PyTorch's arm reads them. */
export function writeData(name: CaseName, folder: string): void {
  const { network, settings, batch, inputs, batchOf, ...made } = openCase(name);
  let files = 0;
  const write = (
    entry: string,
    shape: readonly number[],
    data: Float32Array | Int32Array | Uint8Array,
  ) => {
    const file = `${files++}.bin`;
    writeFileSync(join(folder, file), data);
    return { name: entry, shape, file, type: data.constructor.name };
  };
  const weights = [...made.createWeights()].map(([weight, { shape, values }]) =>
    write(weight, shape, values),
  );
  const batches = Array.from({ length: BATCHES }, (_, k) =>
    Object.entries(batchOf(k)).map(([input, data]) =>
      write(input, inputs[input]?.shape ?? [], data),
    ),
  );
  const places = geometryOf(network);
  writeFileSync(
    join(folder, "meta.json"),
    JSON.stringify({ network, places, settings, batch, weights, batches }),
  );
}

function engineFolder(): string {
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null)
    throw new Error("there is no engine for this platform");
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const override = process.env["HUELINE_ENGINE"];
  return findEngine({ cacheRoot, platform, override }).directory;
}
