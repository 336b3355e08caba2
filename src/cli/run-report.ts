/**
 * The run's own copy of its report: the artifact's files as they are, and a page with one more section on time and
 * cost, which differ from run to run and are therefore no part of the artifact.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Plan, Task } from "../plan/plan.ts";
import { renderHtml } from "../report/html/page.ts";
import { createStageCosts, type RunFacts } from "../report/run-facts.ts";
import { parseReport, type ReportValue } from "../report/value.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import { layout } from "../store/layout.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import { readRunEvents } from "../store/runs/run-events.ts";
import type { Store } from "../store/store.ts";
import { readManifests } from "./run-artifacts.ts";

export type WrittenReport = {
  readonly task: string;
  readonly value: ReportValue;
  /** In the store, e.g. `runs/<run>/report/report.html`. */
  readonly paths: readonly string[];
  /** A path on this machine where the store is a folder, else the store's URL and path. */
  readonly page: string;
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

/** Copies the run's reports to its folder. Returns what was written, in plan order. */
export async function writeRunReports(
  store: Store,
  options: {
    readonly run: string;
    readonly plan: Plan;
    readonly host: string;
  },
): Promise<readonly WrittenReport[]> {
  const { run, plan } = options;
  const reports = await readReports(store, plan);
  if (reports.length === 0) return [];
  const facts = await gatherFacts(store, options);
  const written: WrittenReport[] = [];
  for (const { task, manifest, value } of reports) {
    const folder =
      layout.runReport(run) + (reports.length === 1 ? "" : `${task.name}/`);
    const paths: string[] = [];
    for (const { path: name } of manifest.files) {
      const bytes =
        name === "report.html"
          ? new TextEncoder().encode(renderHtml(value, { run: facts }))
          : await readArtifactFile(store, manifest, name);
      await store.put(folder + name, bytes);
      paths.push(folder + name);
    }
    written.push({
      task: task.name,
      value,
      paths,
      page: locate(store, `${folder}report.html`),
    });
  }
  return written;
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

function lastCommit(manifests: readonly Manifest[]): number {
  return Math.max(0, ...manifests.map(({ timing }) => timing.finishedAtMs));
}

/** Where a person finds an object of a store. */
export function locate(store: Store, object: string): string {
  return store.url.startsWith("file:")
    ? path.join(fileURLToPath(store.url), object)
    : `${store.url.replace(/\/$/, "")}/${object}`;
}
