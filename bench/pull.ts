/**
 * How fast many large files come from a bucket: ours, verified, into memory (where a training wants them) and into a
 * folder (`hueline pull`), beside rclone, the AWS command line and s5cmd, which know folders alone; from one S3 server on
 * this machine. Everything lies in memory (/dev/shm) where there is such a place.
 *
 *     node bench/pull.ts [--rounds 5] [--files 8] [--mebibytes 256] [--arms memory,folder,s5cmd]
 *
 * Each arm is a program run from its start to its end; they take turns, round by round. What an arm has left is read and
 * compared before the next one begins. One JSON line an arm, with medians; exits with 1 when the arm `memory` misses a limit.
 */
import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "node:zlib";
import { installS3Clients } from "../scripts/s3-clients/s3-clients.ts";
import type { S3Clients } from "../scripts/s3-clients/s3-clients.ts";
import {
  installVersitygw,
  startVersitygw,
} from "../scripts/s3-server/versitygw.ts";
import type { RunningServer } from "../scripts/s3-server/versitygw.ts";
import { cacheRootOf } from "../src/engine/location.ts";
import { createS3Store } from "../src/store/s3.ts";
import type { ObjectToDownload } from "../src/store/transfer/transfer.ts";
import { median, runMeasured } from "./support/measure.ts";
import type { Measured } from "./support/measure.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    files: { type: "string", default: "8" },
    mebibytes: { type: "string", default: "256" },
    arms: {
      type: "string",
      default: "memory,folder,s5cmd,rclone-tuned,rclone,aws",
    },
  },
});
const rounds = Number(values.rounds);
const sizeBytes = Number(values.mebibytes) * 1024 * 1024;
const totalMB = (Number(values.files) * sizeBytes) / 1e6;
const root = path.resolve(import.meta.dirname, "..");
const bucket = "bench";

/** How many times as fast as an arm reading into memory must be, by the wall clock. */
const limits: Readonly<Record<string, number>> = {
  s5cmd: 0.85,
  rclone: 2,
  aws: 2.5,
};

/** As the command line starts: compiled to JavaScript, with Node's cache of compiled code. */
const built = path.join(root, "node_modules/.cache/hueline-bench");
const start = `
  require("node:module").enableCompileCache();
  const [, url, list] = process.argv;
  const objects = JSON.parse(require("node:fs").readFileSync(list, "utf8"));
  const environment = { currentFolder: ".", variables: process.env };
  const load = (file) => import(${JSON.stringify(built)} + "/store/" + file);
`;
/** Nobody beside us flushes what was written to the disk, so we do not here. */
const toFolder = `${start}
  Promise.all([load("open-store.js"), load("transfer/download-objects.js")])
    .then(([{ openStore }, { downloadObjects }]) =>
      downloadObjects(openStore(url, environment), objects, { flush: false }));
`;
/** Blocks of 16 MiB, as the loader reads them, eight at a time; a checksum of each. */
const toMemory = `${start}
  const { crc32 } = require("node:zlib");
  const block = 16 * 2 ** 20;
  load("open-store.js").then(async ({ openStore }) => {
    const store = openStore(url, environment);
    const sums = objects.map(() => []);
    const jobs = objects.flatMap(({ path, sizeBytes }, i) =>
      Array.from({ length: Math.ceil(sizeBytes / block) }, (_, k) => ({ path, i, k,
        length: Math.min(block, sizeBytes - k * block) })));
    const lane = async () => {
      const memory = Buffer.allocUnsafeSlow(block);
      for (let job = jobs.shift(); job; job = jobs.shift()) {
        const bytes = memory.subarray(0, job.length);
        if (!(await store.readInto(job.path, job.k * block, bytes))) throw new Error(job.path);
        sums[job.i][job.k] = { sum: crc32(bytes), length: job.length };
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    const { combineCrc32 } = await load("transfer/crc32-combine.js");
    for (const [i, { crc32: wanted, path }] of objects.entries()) {
      const found = sums[i].reduce((all, { sum, length }) => combineCrc32(all, sum, length), 0);
      if (found.toString(16).padStart(8, "0") !== wanted) throw new Error(path);
    }
  });
`;

function build(): void {
  const tsc = path.join(root, "node_modules/.bin/tsc");
  const options = ["-p", "tsconfig.build.json", "--noCheck", "--outDir", built];
  execFileSync(tsc, options, { cwd: root, stdio: ["ignore", 2, 2] });
}

type Arm = { readonly name: string; readonly command: readonly string[] };

function toArms(clients: S3Clients, folder: string, list: string): Arm[] {
  const source = `s3://${bucket}/pull`;
  const endpoint = ["--endpoint-url", process.env["AWS_ENDPOINT_URL_S3"] ?? ""];
  const rclone = [clients.rclone, "copy", `bench:${bucket}/pull`, folder];
  return [
    {
      name: "memory",
      command: [process.execPath, "-e", toMemory, source, list],
    },
    {
      name: "folder",
      command: [process.execPath, "-e", toFolder, source, list],
    },
    {
      name: "s5cmd",
      command: [
        findS5cmd(clients),
        ...endpoint,
        "cp",
        `${source}/*`,
        `${folder}/`,
      ],
    },
    {
      // As fast as it goes: no checks, several streams a file.
      name: "rclone-tuned",
      command: [
        ...rclone,
        "--ignore-checksum",
        "--buffer-size=0",
        "--transfers=8",
        "--multi-thread-streams=4",
        "--multi-thread-cutoff=8M",
      ],
    },
    { name: "rclone", command: rclone },
    {
      name: "aws",
      command: [
        clients.aws,
        ...endpoint,
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        source,
        folder,
      ],
    },
  ];
}

/** The program itself: what pip puts beside Python starts Python first, 60 ms that are not s5cmd's. */
function findS5cmd({ python }: S3Clients): string {
  const libraries = path.join(path.dirname(python), "../lib");
  const [version = ""] = readdirSync(libraries);
  const folder = path.join(libraries, version, "site-packages/s5cmd/bin");
  return path.join(folder, "s5cmd");
}

/** Of the standard AWS configuration, and rclone's remote `bench`. */
function setEnvironment(server: RunningServer): void {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: "us-east-1",
    RCLONE_CONFIG: "/dev/null",
    RCLONE_CONFIG_BENCH_TYPE: "s3",
    RCLONE_CONFIG_BENCH_PROVIDER: "Other",
    RCLONE_CONFIG_BENCH_ENV_AUTH: "true",
    RCLONE_CONFIG_BENCH_ENDPOINT: server.endpoint,
  });
  // This rclone ends at once where it is set, and here nothing is encrypted.
  delete process.env["AWS_CA_BUNDLE"];
}

async function upload(
  server: RunningServer,
  folder: string,
): Promise<ObjectToDownload[]> {
  const store = createS3Store({
    bucket,
    prefix: "pull",
    // In one request each: an ETag is then the MD5 that rclone verifies. Of an upload in parts it verifies nothing.
    partBytes: sizeBytes,
    connection: {
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: server,
    },
  });
  const objects: ObjectToDownload[] = [];
  for (let i = 0; i < Number(values.files); i++) {
    const bytes = randomFillSync(Buffer.alloc(sizeBytes));
    const name = `shard-${i}.tar`;
    await store.put(name, bytes);
    objects.push({
      path: name,
      sizeBytes,
      crc32: crc32(bytes).toString(16).padStart(8, "0"),
      file: path.join(folder, name),
    });
  }
  await store.close();
  return objects;
}

/** Throws unless exactly the wanted files are there, byte for byte. */
function check(folder: string, objects: readonly ObjectToDownload[]): void {
  const names = readdirSync(folder).sort();
  const wanted = objects.map(({ path: name }) => name).sort();
  if (names.join() !== wanted.join())
    throw new Error(`${names.join(", ")} are there, not ${wanted.join(", ")}`);
  for (const object of objects) {
    const bytes = readFileSync(object.file);
    const sum = crc32(bytes).toString(16).padStart(8, "0");
    if (bytes.byteLength !== object.sizeBytes || sum !== object.crc32)
      throw new Error(`${object.file} is not what was uploaded`);
  }
}

const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const scratch = mkdtempSync(path.join(memory, "hueline-pull-"));
const folder = path.join(scratch, "out");
const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
mkdirSync(path.join(scratch, "server", bucket), { recursive: true });
const server = await startVersitygw({
  program: await installVersitygw({ cacheRoot }),
  directory: path.join(scratch, "server"),
});
try {
  setEnvironment(server);
  build();
  const objects = await upload(server, folder);
  const list = path.join(scratch, "objects.json");
  writeFileSync(list, JSON.stringify(objects));
  const clients = await installS3Clients({ cacheRoot });
  const chosen = values.arms.split(",");
  const arms = toArms(clients, folder, list).filter(({ name }) =>
    chosen.includes(name),
  );
  const runs = new Map<string, Measured[]>(arms.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++)
    for (const { name, command } of arms) {
      mkdirSync(folder);
      const measured = await runMeasured(command);
      // That arm compares the sums itself.
      if (name !== "memory") check(folder, objects);
      rmSync(folder, { recursive: true });
      // The first round warms the server and the programs' files.
      if (round > 0) runs.get(name)?.push(measured);
    }
  process.exitCode = report(runs);
} finally {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

function report(runs: ReadonlyMap<string, readonly Measured[]>): number {
  const wallOf = (name: string): number =>
    median((runs.get(name) ?? []).map(({ wallSeconds }) => wallSeconds));
  let missed = 0;
  for (const [name, measured] of runs) {
    const wall = wallOf(name);
    const cpu = median(measured.map(({ cpuSeconds }) => cpuSeconds));
    const limit = limits[name] ?? null;
    const memoryIsTimesAsFast = wall / wallOf("memory");
    if (limit !== null && memoryIsTimesAsFast < limit) missed++;
    const line = {
      arm: name,
      megabytes: Math.round(totalMB),
      wallSeconds: round3(wall),
      cpuSeconds: round3(cpu),
      megabytesPerSecond: Math.round(totalMB / wall),
      megabytesPerCpuSecond: Math.round(totalMB / cpu),
      memoryIsTimesAsFast: round3(memoryIsTimesAsFast),
      folderIsTimesAsFast: round3(wall / wallOf("folder")),
      limit,
      rounds,
      load: round3(loadavg()[0] ?? NaN),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  return missed === 0 ? 0 : 1;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
