/**
 * Workers that checkpoint and commit on a server whose answers go wrong, killed with -9 at random moments, again and again. After
 * each kill a calm client looks at what is there: whether the newest checkpoint verifies and holds what that step must
 * hold, and how far it is behind the last save that the worker was told of. In the end every task has one result, the right one.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { below, uniform } from "../../../src/base/random.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { describeTask } from "../../../src/plan/task-description.ts";
import { defaultCheckpoint } from "../../../src/spec/defaults.ts";
import { readArtifactFile } from "../../../src/store/artifacts/artifact.ts";
import { readManifest } from "../../../src/store/artifacts/manifest.ts";
import { createCheckpointStore } from "../../../src/store/checkpoints/checkpoints.ts";
import { createS3Store } from "../../../src/store/s3.ts";
import { writeTaskDescription } from "../../../src/store/runs/run-records.ts";
import type { CountingParams } from "../counting-stage.ts";
import { buildPlan } from "../plans.ts";
import { createRandomFaults } from "../s3-server/faults.ts";
import { startS3TestServer } from "../s3-server/server.ts";
import { toS3Options } from "../s3-server/store-options.ts";

export type DurabilityReport = {
  readonly kills: number;
  readonly tasks: number;
  readonly starts: number;
  /** Saves that workers were told are done. */
  readonly saves: number;
  /** Checkpoints whose contents are not those of their step. */
  readonly corrupt: number;
  /** Saves between the last one that was told and the newest that is there, at worst. */
  readonly savesBehind: number;
  /** Kills after which the newest checkpoint did not verify and the one before was taken. */
  readonly fallbacks: number;
  readonly lost: number;
  readonly wrong: number;
  readonly duplicates: number;
  readonly faults: Readonly<Record<string, number>>;
};

const EVERY = 4;
const STEPS = 60;
const RUN = "durability";
const worker = fileURLToPath(new URL("../counting-worker.ts", import.meta.url));

type Line = {
  readonly checkpointStep?: number;
  readonly outcome?: string;
};

export async function killCheckpoints(options: {
  readonly kills: number;
  readonly seed: number;
  /** A file for the workers' traces. */
  readonly trace: string;
}): Promise<DurabilityReport> {
  const { kills, seed } = options;
  const server = await startS3TestServer();
  const calm = createS3Store({ ...toS3Options(server), prefix: RUN });
  const url = `s3://${server.bucket}/${RUN}`;
  const faults: Record<string, number> = {};
  const random = createRandomFaults({ seed, rate: 0.15, slowMs: 150 });
  const makeTrouble = (): void => {
    server.setFaults((request) => {
      const fault = random(request);
      // An answer that never comes costs half a minute each: the store has tests of its own for that.
      if (fault === null || fault.kind === "drop") return null;
      faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
      return fault;
    });
  };
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: "us-east-1",
  };
  const report = {
    kills: 0,
    tasks: 0,
    starts: 0,
    saves: 0,
    corrupt: 0,
    savesBehind: 0,
    fallbacks: 0,
    lost: 0,
    wrong: 0,
    duplicates: 0,
  };

  /** One attempt, killed so long after so many saves; what it was told. */
  async function attempt(
    task: string,
    kill: { readonly afterSaves: number; readonly afterMs: number } | null,
  ) {
    report.starts++;
    makeTrouble();
    const args = ["--store", url, "--run", RUN, "--task", task];
    const child = spawn(process.execPath, [worker, ...args], {
      env,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const lines: Line[] = [];
    const output = createInterface({ input: child.stdout });
    const toldSteps = () =>
      lines.flatMap(({ checkpointStep }) => checkpointStep ?? []);
    const over = new AbortController();
    let wake = (): void => undefined;
    output.on("line", (line) => {
      if (line.startsWith("{")) lines.push(JSON.parse(line) as Line);
      wake();
    });
    const ended = Promise.all([once(child, "close"), once(output, "close")]);
    void ended.then(() => {
      over.abort();
      wake();
    });
    if (kill !== null) {
      while (toldSteps().length < kill.afterSaves && !over.signal.aborted)
        await new Promise<void>((resolve) => (wake = resolve));
      const { signal } = over;
      await delay(kill.afterMs, undefined, { signal }).catch(() => undefined);
      if (!over.signal.aborted) report.kills++;
      child.kill("SIGKILL");
    }
    await ended;
    server.setFaults(null);
    report.saves += toldSteps().length;
    return {
      toldStep: toldSteps().at(-1) ?? 0,
      hasCommitted: lines.some(({ outcome }) => outcome === "committed"),
    };
  }

  async function look(key: string, seedOfTask: number, toldStep: number) {
    let damaged = 0;
    const checkpoints = createCheckpointStore({
      ...defaultCheckpoint,
      store: calm,
      key,
      epoch: Number.MAX_SAFE_INTEGER,
      log: { ...silentLogger, warn: () => damaged++ },
    });
    const newest = await checkpoints.newest();
    if ((await readManifest(calm, key)) !== null) return;
    const step = newest?.step ?? 0;
    const { hash } = (newest?.state ?? {}) as { readonly hash?: string };
    if (newest && hash !== chainAt(seedOfTask, step).toString("hex"))
      report.corrupt++;
    if (damaged > 0) report.fallbacks++;
    const behind = Math.max(0, (toldStep - step) / EVERY);
    report.savesBehind = Math.max(report.savesBehind, behind);
  }

  try {
    while (report.kills < kills) {
      const number = report.tasks++;
      const task = `task-${number}`;
      const params: CountingParams = {
        steps: STEPS,
        every: EVERY,
        trace: options.trace,
        work: WORK_BYTES,
      };
      const plan = buildPlan({ [task]: { params, seed: number } });
      const [description] = plan.tasks;
      const key = description?.key ?? "";
      const byName = new Map(plan.tasks.map((one) => [one.name, one]));
      if (description)
        await writeTaskDescription(
          calm,
          describeTask({ plan, byName, run: RUN, task: description }),
        );
      let commits = 0;
      let toldStep = 0;
      for (let start = 0; (await readManifest(calm, key)) === null; start++) {
        const isLast = report.kills >= kills;
        const draw = [seed, number, start] as const;
        const kill = {
          afterSaves: below(4, ...draw, 1),
          afterMs: 800 * uniform(...draw, 2),
        };
        const ended = await attempt(task, isLast ? null : kill);
        toldStep = Math.max(toldStep, ended.toldStep);
        commits += ended.hasCommitted ? 1 : 0;
        await look(key, number, toldStep);
        if (start > 200) break;
      }
      // Somebody looks again, as a run that is started again does.
      commits += (await attempt(task, null)).hasCommitted ? 1 : 0;
      if (commits > 1) report.duplicates++;
      const manifest = await readManifest(calm, key);
      if (manifest === null) report.lost++;
      else {
        const bytes = await readArtifactFile(calm, manifest, "state.bin");
        if (Buffer.compare(bytes, chainAt(number, STEPS)) !== 0) report.wrong++;
      }
    }
    return { ...report, faults };
  } finally {
    await calm.close();
    await server.close();
  }
}

const WORK_BYTES = 100_000;

/** What the counting stage holds after a step. */
function chainAt(seed: number, steps: number): Buffer {
  let state = createHash("sha256").update(`seed ${seed}`).digest();
  for (let step = 0; step < steps; step++)
    state = createHash("sha256")
      .update(state)
      .update(new Uint8Array(WORK_BYTES))
      .digest();
  return state;
}
