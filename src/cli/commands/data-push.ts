/**
 * `hueline data push`: takes a local dataset to a bucket, so that a shard stage can have it as its source, or a packed
 * dataset from one store to another. What is there already is not sent again, so a broken push goes on.
 */
import path from "node:path";
import { ExitCode, UserError } from "../../base/errors.ts";
import { openStore } from "../../store/open-store.ts";
import { uploadFiles } from "../../store/transfer/upload-files.ts";
import type { Environment } from "../environment.ts";
import { formatBytes, printJson } from "../output.ts";
import { compareFiles, type Comparison } from "../push/compare.ts";
import {
  listLocal,
  type LocalFile,
  type LocalFiles,
} from "../push/list-local.ts";
import { pushDataset } from "../push/push-dataset.ts";
import { createTransferDisplay } from "../transfer-display.ts";

export type PushOptions = {
  readonly store?: string;
  readonly output: string;
  readonly dryRun?: boolean;
  readonly to?: string;
};

export async function push(
  environment: Environment,
  given: readonly string[],
  options: PushOptions,
): Promise<ExitCode> {
  try {
    return options.to === undefined
      ? await pushFiles(environment, given, options)
      : await pushDataset(environment, toDataset(given), options.to, options);
  } catch (thrown) {
    if (!environment.signal.aborted) throw thrown;
    environment.stderr.write("stopped; the same push goes on\n");
    return ExitCode.stopped;
  }
}

async function pushFiles(
  environment: Environment,
  given: readonly string[],
  options: PushOptions,
): Promise<ExitCode> {
  const url = given.at(-1) ?? "";
  const sources = given.slice(0, -1);
  if (sources.length === 0 || !/^(s3|file):/i.test(url))
    throw usage(
      `expected folders or tar files and then s3://bucket/prefix, found '${given.join(" ")}'`,
    );
  const { currentDirectory, signal } = environment;
  const store = openStore(url, { currentFolder: currentDirectory });
  const local = await listLocal(
    sources.map((source) => path.resolve(currentDirectory, source)),
  );
  const comparison = await compareFiles(store, local.files, signal);
  const wanted = [...comparison.absent, ...comparison.different];
  if (options.dryRun !== true) {
    const display = createTransferDisplay(environment);
    try {
      await uploadFiles(
        store,
        wanted.map(({ file, name }) => ({ file, path: name })),
        { signal, onProgress: display.show },
      );
    } finally {
      display.end();
    }
  }
  report(environment, options, { url, local, comparison });
  return ExitCode.done;
}

function report(
  environment: Environment,
  options: PushOptions,
  {
    url,
    local,
    comparison,
  }: {
    readonly url: string;
    readonly local: LocalFiles;
    readonly comparison: Comparison;
  },
): void {
  const { absent, different, same, extra } = comparison;
  const source = url.endsWith("/") ? url : `${url}/`;
  const isDry = options.dryRun === true;
  const leftOut = [...local.leftOut].map(([reason, count]) => ({
    reason,
    count,
  }));
  if (options.output === "json") {
    printJson(environment.stdout, {
      dryRun: isDry,
      source,
      new: sum(absent),
      replaced: sum(different),
      there: sum(same),
      leftOut,
      notLocal: extra,
    });
    return;
  }
  const sent = isDry ? "would be sent" : "sent";
  const line = (files: readonly LocalFile[], what: string): string[] =>
    files.length === 0
      ? []
      : [
          `${sum(files).files} files (${formatBytes(sum(files).sizeBytes)}) ${what}`,
        ];
  const lines = [
    ...line(absent, sent),
    ...line(different, `${sent}, in place of something else`),
    ...line(same, "were there already"),
    ...leftOut.map(({ reason, count }) => `${count} left out: ${reason}`),
    ...(extra > 0
      ? [`${extra} objects at ${source} are none of these files`]
      : []),
    `source: ${source}`,
  ];
  environment.stdout.write(`${lines.join("\n")}\n`);
}

function sum(files: readonly LocalFile[]) {
  return {
    files: files.length,
    sizeBytes: files.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  };
}

function toDataset(given: readonly string[]): string {
  const [name, ...rest] = given;
  if (name !== undefined && rest.length === 0) return name;
  throw usage(`expected one dataset before --to, found '${given.join(" ")}'`);
}

function usage(message: string): UserError {
  return new UserError({
    code: "cli.usage",
    message,
    hint: "hueline data push FOLDER s3://bucket/prefix, or hueline data push RUN/STAGE --to s3://bucket/prefix",
    exitCode: ExitCode.usage,
  });
}
