/**
 * `hueline pull`: copies what a run has finished into a folder, checksums verified, and a SHA256SUMS beside it. Files that
 * are there already with the right size and SHA-256 are not copied again, so an interrupted pull goes on.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ExitCode, systemCode } from "../../base/errors.ts";
import type { Task } from "../../plan/plan.ts";
import { readArtifactFile } from "../../store/artifacts/artifact.ts";
import type { Manifest, ManifestFile } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { writeLocalFile } from "../local-folder.ts";
import { formatBytes, printJson, type OutputFormat } from "../output.ts";
import { loadRun, readManifests } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";

type Part = "report" | "metrics" | "weights";
type PullOptions = {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly only?: Part;
};

/** Which files of an artifact belong to a part; datasets are never pulled with a run. */
const parts: Readonly<Record<Part, (name: string) => boolean>> = {
  report: (name) => name.startsWith("report."),
  metrics: (name) => /\.(jsonl|csv)$/.test(name) || name === "predictions.json",
  weights: (name) => name.endsWith(".safetensors") || name === "model.json",
};

const isDataset = ({ kind }: Task): boolean =>
  kind === "shard" || kind === "catalog";

export async function pull(
  environment: Environment,
  [given = "", destination]: readonly string[],
  options: PullOptions,
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const { run, plan } = await loadRun(store, given);
  const folder = path.resolve(environment.currentDirectory, destination ?? run);
  const artifacts = await readManifests(
    store,
    plan.tasks.filter((task) => !isDataset(task)),
  );
  const wanted = artifacts.flatMap(({ task, manifest }) =>
    manifest.files
      .filter(({ path: name }) => isWanted(name, options.only))
      .map((file) => ({ task, manifest, file })),
  );
  const totals = { files: 0, copied: 0, bytes: 0 };
  const sums: string[] = [];
  for (const { task, manifest, file } of wanted) {
    const name = path.posix.join(task.name, file.path);
    const copied = await copyFile(store, {
      manifest,
      file,
      target: path.join(folder, name),
    });
    totals.files++;
    if (copied) {
      totals.copied++;
      totals.bytes += file.sizeBytes;
    }
    sums.push(`${file.sha256}  ${name}`);
    showProgress(environment, `${totals.files}/${wanted.length} ${name}`);
  }
  endProgress(environment);
  await writeLocalFile(
    // A part has a list of its own, so that pulling it does not forget what was pulled before.
    path.join(folder, ["SHA256SUMS", options.only].filter(Boolean).join("-")),
    sums.map((line) => `${line}\n`).join(""),
  );
  const missing =
    plan.tasks.filter((task) => !isDataset(task)).length - artifacts.length;
  if (options.output === "json")
    printJson(environment.stdout, {
      run,
      folder,
      ...totals,
      unfinishedTasks: missing,
    });
  else {
    const rest =
      missing === 0
        ? ""
        : `; ${missing} tasks have not finished, pull again for the rest`;
    environment.stdout.write(
      `${folder}: ${totals.files} files, ${totals.copied} copied (${formatBytes(totals.bytes)}), checksums verified${rest}\n`,
    );
  }
  return ExitCode.done;
}

function isWanted(name: string, only: Part | undefined): boolean {
  return only === undefined || parts[only](name);
}

/** Copies one file unless it is there; seen whole or not at all. */
async function copyFile(
  store: Store,
  {
    manifest,
    file,
    target,
  }: {
    readonly manifest: Manifest;
    readonly file: ManifestFile;
    readonly target: string;
  },
): Promise<boolean> {
  if (await isThere(target, file)) return false;
  const bytes = await readArtifactFile(store, manifest, file.path);
  await writeLocalFile(target, bytes);
  return true;
}

async function isThere(target: string, file: ManifestFile): Promise<boolean> {
  try {
    const bytes = await readFile(target);
    return (
      bytes.byteLength === file.sizeBytes &&
      createHash("sha256").update(bytes).digest("hex") === file.sha256
    );
  } catch (thrown) {
    // Whatever else stands there, writing will say it.
    if (systemCode(thrown) !== null) return false;
    throw thrown;
  }
}

function showProgress({ stderr }: Environment, text: string): void {
  if (stderr.isTerminal)
    stderr.write(`\r\u001B[K${text.slice(0, stderr.columns - 1)}`);
}

function endProgress({ stderr }: Environment): void {
  if (stderr.isTerminal) stderr.write("\r\u001B[K");
}
