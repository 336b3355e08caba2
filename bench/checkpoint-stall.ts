/**
 * How long a checkpoint holds up the training, beside `torch.save` of the same tensors to a RAM disk, and whether the thread that
 * trains stays free while the checkpoint goes to an S3 server behind it.
 *
 *   node bench/checkpoint-stall.ts [--megabytes 205] [--rounds 9] [--store s3|file]
 *
 * Ours: weights and momentum as variables of a compiled step, which runs all the time. A save is `CheckpointStore.save`: the
 * stall is the time until training may go on; the event loop's longest gap is watched from there until the manifest is written, and
 * for as long before the save: what the machine's other processes do to any thread, and the measure of how quiet it is. The S3
 * server stands for another machine: it runs where a core is idle, and so takes none from the training, as one elsewhere
 * takes none. PyTorch's side is the blocking `torch.save` of one dictionary. The sides take turns, the first round of
 * each is left out.
 *
 * In the end PyTorch opens our newest checkpoint, and its sums must be those of the variables.
 *
 * Exits with 1 if the median stall is over 0.10 of `torch.save`, or the median over the saves of the longest gap over 10 ms. The
 * longest gap of all is told as well, and that of the control: on two cores both hold what the scheduler does with the training's
 * thread, the server (which Linux lets run for a tick of 4 ms even where it should wait) and the machine's own services.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  installVersitygw,
  startVersitygw,
} from "../scripts/s3-server/versitygw.ts";
import { cacheRootOf } from "../src/engine/location.ts";
import { startLineProgram, type LineProgram } from "./support/arms.ts";
import { median } from "./support/measure.ts";
import { pythonWithTorch } from "./torch.ts";

const MOST_STALL_RATIO = 0.1;
const MOST_GAP_MS = 10;

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "205" },
    rounds: { type: "string", default: "9" },
    store: { type: "string", default: "s3" },
  },
});
const bucket = "bench";
// Memory, not a disk: the sides differ in what they do, not in who waits for a device.
const folder = mkdtempSync("/dev/shm/hueline-checkpoint-");

type Figures = Readonly<Record<string, number>>;

async function startServer() {
  if (values.store === "file")
    return { url: `file://${folder}/store`, env: {}, stop: async () => {} };
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const program = await installVersitygw({ cacheRoot });
  mkdirSync(join(folder, bucket));
  const server = await startVersitygw({
    program,
    directory: folder,
    isElsewhere: true,
  });
  const env = {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: "us-east-1",
  };
  return { url: `s3://${bucket}/stall`, env, stop: () => server.stop() };
}

const server = await startServer();
const arms: LineProgram[] = [];
const quiet = { TF_CPP_MIN_LOG_LEVEL: "3" };
try {
  const { url, env } = server;
  const { megabytes } = values;
  const here = (name: string) => join(import.meta.dirname, name);
  const ours = startLineProgram(
    "ours",
    [process.execPath, here("checkpoint-stall-arm.ts"), url, megabytes, folder],
    { ...quiet, ...env },
  );
  arms.push(ours);
  const torch = startLineProgram("torch", [
    pythonWithTorch(),
    here("checkpoint_stall.py"),
    megabytes,
    join(folder, "torch.pt"),
  ]);
  arms.push(torch);
  const sides = {
    ours: [] as Figures[],
    torch: [] as Figures[],
  };
  const first = {
    ours: await ours.ask<Figures>("save"),
    torch: await torch.ask<Figures>("save"),
  };
  console.log(JSON.stringify({ first }));
  for (let round = 0; round < Number(values.rounds); round++) {
    sides.ours.push(await ours.ask<Figures>("save"));
    sides.torch.push(await torch.ask<Figures>("save"));
    console.log(
      JSON.stringify({
        round,
        ours: sides.ours.at(-1),
        torch: sides.torch.at(-1),
      }),
    );
  }
  const written = await ours.ask<Figures>("export");
  const opened = await torch.ask<Figures>(
    `open ${join(folder, "model.safetensors")}`,
  );
  const of = (side: keyof typeof sides, name: string) =>
    sides[side].map((row) => row[name] ?? Number.NaN);
  const ratio = median(of("ours", "stallMs")) / median(of("torch", "stallMs"));
  const gapMs = median(of("ours", "gapMs"));
  const isSame =
    Math.abs((written["sum"] ?? 0) - (opened["sum"] ?? 1)) <
    1e-3 * Math.abs(written["sum"] ?? 1);
  console.log(
    JSON.stringify({
      megabytes: Number(megabytes),
      store: values.store,
      stallMs: median(of("ours", "stallMs")),
      torchMs: median(of("torch", "stallMs")),
      ratio,
      gapMs,
      gapBeforeMs: median(of("ours", "gapBeforeMs")),
      longestGapMs: Math.max(...of("ours", "gapMs")),
      longestGapBeforeMs: Math.max(...of("ours", "gapBeforeMs")),
      writtenMs: median(of("ours", "writtenMs")),
      cpuSeconds: {
        ours: median(of("ours", "cpuSeconds")),
        torch: median(of("torch", "cpuSeconds")),
      },
      opensInPyTorch: isSame,
      load: loadavg()[0],
    }),
  );
  if (ratio > MOST_STALL_RATIO || gapMs > MOST_GAP_MS || !isSame)
    process.exitCode = 1;
} finally {
  for (const arm of arms) await arm.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
