/** `hueline data order`: what a training reads when; with `-o jsonl` also the checksums of the pixels that it sees. */
import { ExitCode } from "../../base/errors.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import type { Environment, OrderRow } from "../environment.ts";
import { formatTable, printJson, type OutputFormat } from "../output.ts";

export type OrderOptions = {
  readonly output: OutputFormat | "jsonl";
  readonly seed: number;
  readonly epoch: number;
  readonly fromStep: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly ranks: number;
  readonly rank: number;
  readonly workers: number;
  readonly crop?: string;
  readonly limit: number;
};

export async function order({
  environment,
  store,
  manifest,
  options,
}: {
  readonly environment: Environment;
  readonly store: Store;
  readonly manifest: Manifest;
  readonly options: OrderOptions;
}): Promise<ExitCode> {
  const { stdout, signal } = environment;
  const service = await environment.services.data();
  const request = { ...options, batch: options.batch ?? options.ranks };
  if (options.output === "jsonl") {
    const asked = { ...request, signal };
    for await (const batch of service.readBatches(store, manifest, asked))
      stdout.write(`${JSON.stringify(batch)}\n`);
    return ExitCode.done;
  }
  const rows = await service.previewOrder(store, manifest, request);
  if (options.output === "json") printJson(stdout, rows);
  else stdout.write(formatRows(rows));
  return ExitCode.done;
}

function formatRows(rows: readonly OrderRow[]): string {
  return formatTable(rows, [
    {
      title: "position",
      value: ({ position }) => String(position),
      align: "right",
    },
    { title: "sample", value: ({ sample }) => String(sample), align: "right" },
    { title: "name", value: ({ name }) => name },
    { title: "label", value: ({ label }) => label ?? "" },
  ]);
}
