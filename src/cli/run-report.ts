/**
 * The run's own copy of its report: the artifact's files as they are, and a page with one more section on time and
 * cost, which differ from run to run and are therefore no part of the artifact.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Plan, Task } from "../plan/plan.ts";
import { renderHtml } from "../report/html/page.ts";
import {
  createStageCosts,
  type ReadingCost,
  type RunFacts,
} from "../report/run-facts.ts";
import { parseReport, type ReportValue } from "../report/value.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import { layout } from "../store/layout.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import { readRunEvents } from "../store/runs/run-events.ts";
import type { Store } from "../store/store.ts";
import { readManifests } from "./run-artifacts.ts";

/** The run's own copy of one report, not yet written anywhere. */
export type RenderedReport = {
  readonly task: string;
  readonly value: ReportValue;
  /** By path: `report.html`, or `<task>/report.html` where a run has several reports. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The path of the page. */
  readonly page: string;
};

export type WrittenReport = Pick<RenderedReport, "task" | "value"> & {
  /** A path on this machine where the store is a folder, else the store's URL and path. */
  readonly page: string;
  /** The page's path in the store; null: it was written elsewhere. */
  readonly object: string | null;
};

/** The committed reports of a run, each with its value. */
export async function readReports(
  store: Store,
  plan: Plan,
): Promise<
  readonly {
    readonly task: Task;
    readonly manifest: Manifest;
    readonly value: ReportValue;
  }[]
> {
  const tasks = plan.tasks.filter(({ kind }) => kind === "report");
  const found = await readManifests(store, tasks);
  return await Promise.all(
    found.map(async ({ task, manifest }) => {
      const bytes = await readArtifactFile(store, manifest, "report.json");
      return {
        task,
        manifest,
        value: parseReport(
          new TextDecoder().decode(bytes),
          `report.json of ${task.name}`,
        ),
      };
    }),
  );
}

/** Writes the run's reports to its folder. Returns what was written, in plan order. */
export async function writeRunReports(
  store: Store,
  options: Parameters<typeof renderRunReports>[1],
): Promise<readonly WrittenReport[]> {
  const folder = layout.runReport(options.run);
  const written: WrittenReport[] = [];
  for (const report of await renderRunReports(store, options)) {
    const { task, value, files, page } = report;
    for (const [name, bytes] of files) await store.put(folder + name, bytes);
    const object = folder + page;
    written.push({ task, value, page: locate(store, object), object });
  }
  return written;
}

/** Renders the run's reports. Returns them in plan order. */
export async function renderRunReports(
  store: Store,
  options: {
    readonly run: string;
    readonly plan: Plan;
    readonly host: string;
  },
): Promise<readonly RenderedReport[]> {
  const reports = await readReports(store, options.plan);
  if (reports.length === 0) return [];
  const facts = await gatherFacts(store, options);
  const rendered: RenderedReport[] = [];
  for (const { task, manifest, value } of reports) {
    const folder = reports.length === 1 ? "" : `${task.name}/`;
    const files = new Map<string, Uint8Array>();
    for (const { path: name } of manifest.files) {
      const bytes =
        name === "report.html"
          ? new TextEncoder().encode(renderHtml(value, { run: facts }))
          : await readArtifactFile(store, manifest, name);
      files.set(folder + name, bytes);
    }
    const page = `${folder}report.html`;
    rendered.push({ task: task.name, value, files, page });
  }
  return rendered;
}

async function gatherFacts(
  store: Store,
  {
    run,
    plan,
    host,
  }: { readonly run: string; readonly plan: Plan; readonly host: string },
): Promise<RunFacts> {
  const manifests = await readManifests(store, plan.tasks);
  const costs = manifests.map(({ task, manifest }) => ({
    stage: task.stage,
    kind: task.kind,
    isCached: manifest.producer.run !== run,
    wallMs: manifest.timing.wallMs,
    cpuMs: manifest.timing.cpuMs,
    peakMemoryBytes: manifest.timing.peakMemoryBytes,
    resumedAtStep: manifest.timing.resumedAtStep ?? null,
    reading: toReading(manifest),
  }));
  // From the first task that started to the last that ended: looking again later does not make a run longer.
  const { events } = await readRunEvents(store, run);
  const times = events.flatMap(({ task, atMs }) =>
    task === null ? [] : [atMs],
  );
  const startedAtMs = Math.min(...times);
  const finishedAtMs = Math.max(...times);
  const isKnown = times.length > 0;
  return {
    run,
    host,
    finishedAtMs: isKnown
      ? finishedAtMs
      : lastCommit(manifests.map(({ manifest }) => manifest)),
    wallMs: isKnown ? finishedAtMs - startedAtMs : 0,
    stages: createStageCosts(costs),
  };
}

function toReading({ timing: { loader } }: Manifest): ReadingCost | null {
  if (!loader) return null;
  const { images, bytesFetched, requests, wallMs } = loader;
  return {
    images,
    bytesFetched,
    requests,
    waitedMs: loader.trainerWaitMs,
    wallMs,
    waitedFor: loader.bottleneck,
  };
}

function lastCommit(manifests: readonly Manifest[]): number {
  return Math.max(0, ...manifests.map(({ timing }) => timing.finishedAtMs));
}

/** Where a person finds an object of a store. */
export function locate(store: Store, object: string): string {
  return store.url.startsWith("file:")
    ? path.join(fileURLToPath(store.url), object)
    : `${store.url.replace(/\/$/, "")}/${object}`;
}
