/** `hueline data`: looks into a dataset of the store: `ls`, `verify`, `cat`, `order`; and `push`. */
import { isDatasetKind } from "../../plan/plan.ts";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import type { DatasetView, Environment, ShardView } from "../environment.ts";
import { formatBytes, formatTable, painterFor, printJson } from "../output.ts";
import { findArtifact } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";
import { order, type OrderOptions } from "./data-order.ts";
import { push, type PushOptions } from "./data-push.ts";

type DataOptions = OrderOptions & PushOptions & { readonly mask?: boolean };

type Request = {
  readonly environment: Environment;
  readonly store: Store;
  readonly manifest: Manifest;
  readonly sample: string | undefined;
  readonly options: DataOptions;
};

const actions: Readonly<
  Record<string, (request: Request) => Promise<ExitCode>>
> = { ls, verify, cat, order };

export async function data(
  environment: Environment,
  [action = "", ...given]: readonly string[],
  options: DataOptions,
): Promise<ExitCode> {
  if (action === "push") return await push(environment, given, options);
  const [artifact = "", sample] = given;
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined) {
    throw new UserError({
      code: "cli.unknown-action",
      message: `expected ls, verify, cat, order or push, found '${action}'`,
      hint: "hueline data ls RUN/STAGE",
      exitCode: ExitCode.usage,
    });
  }
  if (options.output === "jsonl" && act !== order) {
    throw new UserError({
      code: "cli.bad-format",
      message: `data ${action} prints text or json, not jsonl`,
      hint: "jsonl is a line for each batch of data order",
      exitCode: ExitCode.usage,
    });
  }
  const store = openStoreOption(options.store, environment);
  const manifest = await findArtifact(store, artifact);
  if (!isDatasetKind(manifest.kind)) {
    throw new UserError({
      code: "data.not-a-dataset",
      message: `'${artifact}' is an artifact of kind '${manifest.kind}', not a dataset`,
      hint: "name a stage of kind shard or concat",
    });
  }
  return await act({ environment, store, manifest, sample, options });
}

async function ls({
  environment,
  store,
  manifest,
  options,
}: Request): Promise<ExitCode> {
  const service = await environment.services.data();
  const listing = await service.listDataset(store, manifest);
  if (options.output === "json") printJson(environment.stdout, listing);
  else environment.stdout.write(formatDataset(listing));
  return ExitCode.done;
}

function formatDataset({ id, catalog, leftOut }: DatasetView): string {
  const shards = formatTable(catalog.shards, [
    { title: "shard", value: ({ file }) => file },
    {
      title: "images",
      value: ({ samples }) => String(samples),
      align: "right",
    },
    {
      title: "size",
      value: ({ sizeBytes }) => formatBytes(sizeBytes),
      align: "right",
    },
  ]);
  const classes = catalog.classes.map((name, k) => ({
    name,
    images: catalog.perClass[k] ?? 0,
  }));
  const table = formatTable(classes, [
    { title: "class", value: ({ name }) => name },
    { title: "images", value: ({ images }) => String(images), align: "right" },
  ]);
  const left = [
    ...catalog.quarantine.map(
      ({ origin, reason }) => `  quarantined ${origin}: ${reason}`,
    ),
    ...leftOut.map(({ reason, count }) => `  left out ${count}: ${reason}`),
  ];
  const { masks, shrink } = catalog;
  const head = [
    `dataset ${id}`,
    `${catalog.samples} images, mean chroma ${catalog.meanChroma.toFixed(4)}`,
    ...(masks
      ? [`${masks.samples} masks of ${masks.classes.length} classes`]
      : []),
    ...(shrink
      ? [`${shrink.images} images scaled down to ${shrink.side} pixels`]
      : []),
  ].join("\n");
  return [
    head,
    shards,
    ...(classes.length > 0 ? [table] : []),
    ...(left.length > 0 ? [`${left.join("\n")}\n`] : []),
  ]
    .join("\n\n")
    .replaceAll("\n\n\n", "\n\n");
}

async function verify({
  environment,
  store,
  manifest,
  options,
}: Request): Promise<ExitCode> {
  const service = await environment.services.data();
  const paint = painterFor(environment.stdout, environment.variables);
  const verdicts: ShardView[] = [];
  for await (const verdict of service.verifyDataset(store, manifest)) {
    verdicts.push(verdict);
    if (options.output === "text")
      environment.stdout.write(
        `${verdict.problem === null ? paint("green", "ok  ") : paint("red", "FAIL")} ${verdict.file}  ${verdict.samples} images${verdict.problem === null ? "" : `: ${verdict.problem}`}\n`,
      );
  }
  if (options.output === "json") printJson(environment.stdout, verdicts);
  return verdicts.every(({ problem }) => problem === null)
    ? ExitCode.done
    : ExitCode.data;
}

async function cat({
  environment,
  store,
  manifest,
  sample,
  options,
}: Request): Promise<ExitCode> {
  if (sample === undefined) {
    throw new UserError({
      code: "cli.no-sample",
      message: "cat needs the name of a sample",
      hint: "hueline data cat RUN/STAGE 00000042 > image.ppm",
      exitCode: ExitCode.usage,
    });
  }
  const service = await environment.services.data();
  const mask = options.mask === true;
  const { bytes } = await service.readSample(store, manifest, sample, { mask });
  environment.stdout.writeBytes(bytes);
  return ExitCode.done;
}
