/**
 * A stage for tests of processes: a chain of hashes, a step each, with checkpoints through the real checkpoint store.
 * Its result depends on every step, and each computed step leaves a line in a trace file, so that a test sees what
 * was computed twice and by whom.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  StoppedError,
  TransientError,
  UserError,
} from "../../src/base/errors.ts";
import type { StageContext, StageResult } from "../../src/stages/stage.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import type { Checkpoint } from "../../src/store/checkpoints/read-checkpoint.ts";
import { waitFor } from "./wait-for.ts";

export type CountingParams = {
  readonly steps: number;
  readonly every: number;
  /** File that gets `<task> <step> <pid>` per computed step. */
  readonly trace: string;
  readonly fail?: "data" | "bug" | "temporary";
  /** Step 5 waits until this file is there, so that a test can look at what runs for as long as it likes. */
  readonly gate?: string;
  /** Bytes hashed per step: how long a step takes. */
  readonly work?: number;
};

export async function countingStage(
  context: StageContext,
): Promise<StageResult> {
  const params = context.params as unknown as CountingParams;
  const { name } = context.description.task;
  if (params.fail) failAs(params.fail, params.trace, name);
  const found = await context.checkpoints.newest();
  let state = found ? stateOf(found) : await startState(context);
  context.checkpoints.prepare({
    model: new Map([["weight", [8]]]),
    optimizer: new Map(),
  });
  for (let step = (found?.step ?? 0) + 1; step <= params.steps; step++) {
    state = createHash("sha256")
      .update(state)
      .update(new Uint8Array(params.work ?? 200_000))
      .digest();
    appendFileSync(params.trace, `${name} ${step} ${process.pid}\n`);
    context.progress({ step, steps: params.steps, detail: "counting" });
    const isLast = context.signal.aborted || step === params.steps;
    if (step % params.every === 0 || isLast) await save(context, step, state);
    if (context.signal.aborted)
      throw new StoppedError(`stopped at step ${step}`);
    if (params.gate && step === 5) await untilOpen(params.gate, context.signal);
    await nextTurn();
  }
  await context.output.write("state.bin", state);
  return { metrics: { steps: params.steps } };
}

async function untilOpen(gate: string, signal: AbortSignal): Promise<void> {
  await waitFor("the gate", () =>
    existsSync(gate) || signal.aborted ? true : null,
  );
}

async function startState(context: StageContext): Promise<Uint8Array> {
  const hash = createHash("sha256").update(`seed ${context.seed}`);
  for (const artifact of Object.values(context.inputs).flat())
    hash.update(
      await readArtifactFile(context.store, artifact.manifest, "state.bin"),
    );
  return hash.digest();
}

async function save(
  context: StageContext,
  step: number,
  state: Uint8Array,
): Promise<void> {
  const saving = await context.checkpoints.save({
    step,
    async copyInto(targets) {
      const numbers = Float32Array.from({ length: 8 }, (_, i) => step + i);
      targets.get("weight")?.set(new Uint8Array(numbers.buffer));
    },
    state: { step, hash: Buffer.from(state).toString("hex") },
    metrics: {},
  });
  await saving.written;
}

function stateOf({ state }: Checkpoint): Uint8Array {
  const { hash } = state as { readonly hash: string };
  return Buffer.from(hash, "hex");
}

function failAs(
  fail: NonNullable<CountingParams["fail"]>,
  trace: string,
  name: string,
): void {
  appendFileSync(trace, `${name} fail ${process.pid}\n`);
  if (fail === "data")
    throw new UserError({
      code: "counting.data",
      message: "expected photographs, found none",
      hint: "look for some",
    });
  if (fail === "temporary")
    throw new TransientError({ code: "counting.busy", message: "try later" });
  throw new Error("a bug in a stage");
}
