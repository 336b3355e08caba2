/**
 * Which files of a run's artifacts a pull brings, and where each goes below the destination. Pure.
 *
 * Names come out of plans and manifests, which whoever can write to the store may have written: each is held to the
 * rules of object paths (relative, no `..`, no leading dot, no backslash), no two may meet, and none may be what a
 * download uses beside another. One that breaks a rule ends the pull before anything is written.
 */
import path from "node:path";
import { UserError } from "../../base/errors.ts";
import { isDatasetKind, type Task } from "../../plan/plan.ts";
import { artifactFilePath } from "../../store/artifacts/artifact.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import { isObjectPath } from "../../store/path.ts";

const parts = ["report", "metrics", "weights"] as const;
export type Part = (typeof parts)[number];

/** Which files of an artifact belong to a part; datasets are never pulled with a run. */
const isOfPart: Readonly<Record<Part, (name: string) => boolean>> = {
  report: (name) => name.startsWith("report."),
  metrics: (name) => /\.(jsonl|csv)$/.test(name) || name === "predictions.json",
  weights: (name) => name.endsWith(".safetensors") || name === "model.json",
};

export type WantedFile = {
  readonly task: string;
  /** Below the destination. */
  readonly name: string;
  /** In the store. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly crc32: string;
  readonly sha256: string;
};

/**
 * The tasks that a pull is about: not datasets, and matched by one of `globs` if there are any. Throws `pull.no-task` and
 * `pull.unsafe-name` (UserError).
 */
export function selectTasks(
  tasks: readonly Task[],
  globs: readonly string[],
): readonly Task[] {
  const own = tasks.filter(
    ({ kind }) => kind !== "shard" && !isDatasetKind(kind),
  );
  const selected = own.filter(
    ({ name, stage }) =>
      globs.length === 0 ||
      globs.some(
        (glob) => glob === stage || path.posix.matchesGlob(name, glob),
      ),
  );
  // Folders get their names, also those of tasks that have no files yet.
  for (const { name } of selected)
    if (!isObjectPath(name)) throw unsafe(name, "it could leave the folder");
  if (selected.length > 0 || globs.length === 0) return selected;
  const names = own.map(({ name }) => name);
  throw new UserError({
    code: "pull.no-task",
    message: `no task of the run matches ${globs.map((glob) => `'${glob}'`).join(" or ")}`,
    hint: `its tasks are ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`,
  });
}

/** The files of committed tasks. Throws `pull.unsafe-name` (UserError). */
export function selectFiles(
  artifacts: readonly { readonly task: Task; readonly manifest: Manifest }[],
  only: Part | undefined,
): readonly WantedFile[] {
  const files = artifacts.flatMap(({ task, manifest }) =>
    manifest.files
      .filter(({ path: name }) => only === undefined || isOfPart[only](name))
      .map(({ path: name, ...sums }) => ({
        ...sums,
        task: task.name,
        name: `${task.name}/${name}`,
        path: artifactFilePath(manifest, name),
      })),
  );
  checkNames(files.map(({ name }) => name));
  return files;
}

/** Throws `pull.unsafe-name` (UserError) unless files of these names can lie in one folder. */
export function checkNames(names: readonly string[]): void {
  const all = new Set(names);
  if (all.size < names.length)
    throw unsafe(
      names.find((name, index) => names.indexOf(name) !== index) ?? "",
      "it is named twice",
    );
  for (const name of names) {
    if (!isObjectPath(name)) throw unsafe(name, "it could leave the folder");
    const owner = /^(.*)\.part(?:\.ranges)?$/.exec(name)?.[1];
    if (owner !== undefined && all.has(owner))
      throw unsafe(name, `a download of '${owner}' writes there`);
  }
}

function unsafe(name: string, problem: string): UserError {
  return new UserError({
    code: "pull.unsafe-name",
    message: `nothing is copied: the store names a file or a task ${JSON.stringify(name.slice(0, 80))}, and ${problem}`,
    hint: "a manifest or plan of this store was not written by hueline: find out who did",
  });
}
