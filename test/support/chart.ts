/** The chart as Helm renders it, for tests that look at what is in it. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { installHelm } from "../../scripts/cluster/helm.ts";
import type { KubeObject } from "../../src/kube/kube.ts";
import { userCacheRoot } from "./real-bucket.ts";

export const chart = path.resolve(import.meta.dirname, "../../helm/hueline");
const packages = path.join(import.meta.dirname, "charts");

/** Packages of the chart's earlier versions: what people have installed, and upgrade. */
export async function earlierCharts(): Promise<readonly string[]> {
  const names = await readdir(packages);
  return names
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => path.join(packages, name));
}

/** By their paths, as `--set` takes them. */
export type ChartValues = Readonly<Record<string, string>>;

/** Runs `helm COMMAND --set …`; rejects with what Helm says. */
async function helm(
  command: readonly string[],
  values: ChartValues,
): Promise<string> {
  const program = await installHelm({ cacheRoot: userCacheRoot() });
  const sets = Object.entries(values).flatMap(([name, value]) => [
    "--set",
    `${name}=${value}`,
  ]);
  const { stdout } = await promisify(execFile)(program, [...command, ...sets]);
  return stdout;
}

export function lintChart(values: ChartValues): Promise<string> {
  return helm(["lint", "--strict", chart], values);
}

/** What a release `study` in the namespace `lab` would be made of. */
export function renderChart(values: ChartValues, of = chart): Promise<string> {
  return helm(["template", "study", of, "--namespace", "lab"], values);
}

export async function renderObjects<T extends KubeObject>(
  values: ChartValues,
  of = chart,
): Promise<readonly T[]> {
  const text = await renderChart(values, of);
  return parseAllDocuments(text).flatMap((document) => {
    const object: unknown = document.toJS();
    return object === null ? [] : [object as T];
  });
}
