/**
 * Whether the quotas of a namespace can ever hold the largest task of a plan: said before anything waits for days.
 * Pure. What is in use now does not count: that comes and goes, and waiting for it is no fault.
 */
import type { KubeObject } from "../../kube/kube.ts";
import type { Resources } from "../../plan/plan.ts";

/** The part of `v1` ResourceQuota that is read. */
export type ResourceQuota = KubeObject & {
  readonly spec?: { readonly hard?: Readonly<Record<string, string>> };
};

/** `fits`, or what asks for more than a quota has. */
export function judgeQuota(
  quotas: readonly ResourceQuota[],
  tasks: Iterable<Resources>,
  gpuResource: string,
): string {
  const largest = { cpu: 0, memory: 0, gpu: 0 };
  for (const { cpu, memoryBytes, gpu } of tasks) {
    largest.cpu = Math.max(largest.cpu, cpu);
    largest.memory = Math.max(largest.memory, memoryBytes);
    largest.gpu = Math.max(largest.gpu, gpu);
  }
  const needs: Readonly<Record<string, number>> = {
    cpu: largest.cpu,
    "requests.cpu": largest.cpu,
    memory: largest.memory,
    "requests.memory": largest.memory,
    "limits.memory": largest.memory,
    [`requests.${gpuResource}`]: largest.gpu,
    pods: 1,
    "count/jobs.batch": 1,
  };
  const problems = quotas.flatMap(({ metadata, spec }) =>
    Object.entries(spec?.hard ?? {}).flatMap(([resource, hard]) => {
      const needed = needs[resource] ?? 0;
      return needed > parseQuantity(hard)
        ? [
            `a task needs ${needed} of ${resource}, quota '${metadata.name}' has ${hard}`,
          ]
        : [];
    }),
  );
  return problems.length === 0 ? "fits" : problems.slice(0, 3).join("; ");
}

const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** An amount as Kubernetes writes it (`resource.Quantity`); what is not understood limits nothing. */
export function parseQuantity(text: string): number {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(text);
  const [, digits = "", suffix = ""] = match ?? [];
  const factor = suffix === "" ? 1 : SUFFIXES[suffix];
  const value = Number(digits) * (factor ?? Number.NaN);
  return digits === "" || Number.isNaN(value) ? Infinity : value;
}
