/**
 * A finished run whose store an enemy may write to: one object at a time is spoiled, by bytes or by structure, and a
 * command reads it. Checksums that a forger can compute anew (a plan's digest, a manifest's sums) are computed anew, so
 * that what is behind them is reached.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { streamOf } from "../../../src/base/random.ts";
import type { Services } from "../../../src/cli/environment.ts";
import type { Manifest } from "../../../src/store/artifacts/manifest.ts";
import { runCli } from "../cli.ts";
import type { CliResult } from "../cli.ts";
import { hueline, runOf } from "../hueline.ts";
import { createPick, mutateBytes, mutateJson } from "./mutate.ts";
import type { Pick } from "./mutate.ts";

const pipeline = path.resolve(import.meta.dirname, "../../e2e/hostile.yaml");
/** More than any of these commands takes on a run of this size, on a machine under load. */
const hangMs = 20_000;

export type HostileCase = {
  readonly number: number;
  readonly object: string;
  readonly command: string;
  /** Null: it did not end. */
  readonly exitCode: number | null;
  /** What must not happen; null: it did not. */
  readonly problem: string | null;
};

export type HostileRun = {
  /** Spoils an object, runs a command, and mends the object. The same number is the same case. */
  attempt(number: number): Promise<HostileCase>;
};

/** Runs the pipeline in `folder`, which the caller removes. */
export async function openHostileRun(
  folder: string,
  seed: number,
): Promise<HostileRun> {
  const ended = await hueline(["run", pipeline, "-o", "json"], { folder });
  if (ended.code !== 0) throw new Error(`the run failed: ${ended.stderr}`);
  const run = runOf(ended);
  const store = path.join(folder, ".hueline");
  const targets = findTargets(store, run);
  const data: Services["data"] = () =>
    import("../../../src/data/data-service.ts");
  const sound = listAll(folder);

  async function execute(args: readonly string[]): Promise<CliResult | null> {
    const options = { currentDirectory: folder, services: { data } };
    let timer: NodeJS.Timeout | undefined;
    const hang = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, hangMs, null);
    });
    try {
      return await Promise.race([runCli(args, options), hang]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async attempt(number) {
      const pick = createPick(seed, number, streamOf("hostile"));
      const { objects = [], commands = [] } =
        targets[pick(targets.length, 0)] ?? {};
      const object = objects[pick(objects.length, 1)] ?? "";
      const args = commands[pick(commands.length, 2)] ?? [];
      const changes = spoil(store, object, pick);
      const before = [...changes.keys()].map(
        (file) => [file, readFileSync(file)] as const,
      );
      try {
        for (const [file, bytes] of changes) writeFileSync(file, bytes);
        const result = await execute(args);
        const problem = judge(result, sound, listAll(folder));
        const exitCode = result?.exitCode ?? null;
        return { number, object, command: args.join(" "), exitCode, problem };
      } finally {
        for (const [file, bytes] of before) writeFileSync(file, bytes);
        rmSync(path.join(folder, "out"), { recursive: true, force: true });
      }
    },
  };
}

type Target = {
  readonly objects: readonly string[];
  /** Of those, what reads it. */
  readonly commands: readonly (readonly string[])[];
};

/** Every kind of object that a command takes for true; each is as likely as the others. */
function findTargets(store: string, run: string): readonly Target[] {
  const photos = `${run}/photos`;
  const status = [["status"], ["status", run], ["status", run, "-o", "json"]];
  const logs = [
    ["logs", run],
    ["logs", run, "-o", "json"],
  ];
  const pull = [["pull", run, "out"]];
  const report = [
    ["report", run, "--to", "out"],
    ["report", run, "--check", "--to", "out"],
  ];
  const data = [
    ["data", "ls", photos],
    ["data", "verify", photos],
    ["data", "cat", photos, "00000001"],
  ];
  const gc = [["gc"], ["gc", "-o", "json"]];
  const plan = [["plan", pipeline, "--why"]];
  const all = [status, logs, pull, report, data, gc, plan].flat();
  const targets: readonly (readonly [RegExp, Target["commands"]])[] = [
    [/^runs\/[^/]+\/plan\.json$/, all],
    [/^runs\/[^/]+\/status\.json$/, [...status, ...logs, ...gc]],
    [/^runs\/[^/]+\/events\.jsonl$/, [...status, ...report]],
    [/^runs\/[^/]+\/attempts\/.*\.json$/, [...status, ...report]],
    [/^runs\/[^/]+\/logs\/.*\.log$/, logs],
    [/^runs\/[^/]+\/report\//, report],
    [/^cas\/[^/]+\/manifest\.json$/, all],
    [/\/(dataset|left-out|part)\.json$/, data],
    [/\.idx$/, data],
    [/\/(metrics\.jsonl|report\.json|predictions\.json)$/, report],
    [/^gc\//, gc],
  ];
  const names = listAll(store).sort();
  return targets
    .map(([pattern, commands]) => ({
      objects: names.filter((name) => pattern.test(name)),
      commands,
    }))
    .filter(({ objects }) => objects.length > 0);
}

/** What an object and those that vouch for it become, by file. */
function spoil(
  store: string,
  object: string,
  pick: Pick,
): ReadonlyMap<string, Uint8Array> {
  const file = path.join(store, object);
  const bytes = readFileSync(file);
  const json = pick(3, 3) > 0 ? mutateText(bytes.toString(), pick) : null;
  const spoiled = json === null ? mutateBytes(bytes, pick) : Buffer.from(json);
  if (object.endsWith("/plan.json"))
    return new Map([[file, json === null ? spoiled : sealPlan(json)]]);
  const [, key, attempt, ...rest] = object.split("/");
  if (!object.startsWith("cas/") || rest.length === 0)
    return new Map([[file, spoiled]]);
  const manifestFile = path.join(store, "cas", key ?? "", "manifest.json");
  const manifest = JSON.parse(readFileSync(manifestFile, "utf8")) as Manifest;
  const vouched = vouch(manifest, rest.join("/"), spoiled);
  return new Map([
    [file, spoiled],
    ...(attempt === `a${manifest.epoch}` ? [[manifestFile, vouched]] : []),
  ] as [string, Uint8Array][]);
}

/** Of JSON lines, one. */
function mutateText(text: string, pick: Pick): string | null {
  const whole = mutateJson(text, pick);
  if (whole !== null) return whole;
  const lines = text.split("\n");
  const at = pick(lines.length, 4);
  const line = mutateJson(lines[at] ?? "", pick);
  return line === null ? null : lines.with(at, line).join("\n");
}

/** A plan's digest is that of the text before it. */
function sealPlan(json: string): Uint8Array {
  const body = json.replace(/(,"digest":"[^"]*")?\}$/, "");
  const digest = createHash("sha256").update(body).digest("hex");
  return Buffer.from(`${body},"digest":"${digest}"}\n`);
}

/** The manifest with the sums of another file's bytes. */
function vouch(
  manifest: Manifest,
  name: string,
  bytes: Uint8Array,
): Uint8Array {
  const files = manifest.files.map((file) =>
    file.path === name
      ? {
          ...file,
          sizeBytes: bytes.byteLength,
          crc32: crc32(bytes).toString(16).padStart(8, "0"),
          sha256: createHash("sha256").update(bytes).digest("hex"),
        }
      : file,
  );
  return Buffer.from(`${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
}

function judge(
  result: CliResult | null,
  before: readonly string[],
  after: readonly string[],
): string | null {
  if (result === null) return "it does not end";
  const { exitCode, stderr } = result;
  if (![0, 1, 64, 65, 75].includes(exitCode))
    return `it takes the blame: ${stderr.slice(0, 500)}`;
  // A terminal takes them for commands. Colours are not in question, for no terminal is there, nor is an image.
  const isText = !result.stdout.startsWith("P6");
  if (isText && `${result.stdout}${stderr}`.includes("\u001b"))
    return "it hands on control characters of others";
  const known = new Set(before);
  const stray = after.filter(
    (name) => !known.has(name) && !name.startsWith("out"),
  );
  return stray.length === 0 ? null : `it wrote to ${stray.join(", ")}`;
}

/** Paths of files below a folder, `/`-separated. */
function listAll(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(folder, path.join(entry.parentPath, entry.name)),
    );
}
