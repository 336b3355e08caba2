/** What a Run would do and cost, once it is planned: what people agree to before anything starts. Pure. */
import type { PlanReceipt, Run } from "../../resources/run-resource.ts";
import type { Paint } from "../output.ts";

/** Text of several lines. */
export function formatReceipt(run: Run, paint: Paint): string {
  const { metadata, spec, status } = run;
  const { plan, store = "" } = status ?? {};
  if (plan === undefined) return "";
  const rows: (readonly [string, string | null])[] = [
    ["tasks", describeTasks(plan)],
    ["GPUs", describeGpus(plan)],
    ["budget", describeBudget(run, plan)],
    ["quota", plan.quota ?? null],
    ["queue", spec.queue ?? null],
    ["store", store],
  ];
  const lines = rows.flatMap(([what, words]) =>
    words === null ? [] : [`  ${what.padEnd(7)} ${words}`],
  );
  const place = `${metadata.namespace ?? ""}/${metadata.name}`;
  return `${paint("bold", place)}\n${lines.join("\n")}\n`;
}

function describeTasks({ tasks, cached, shared }: PlanReceipt): string {
  const left = tasks - cached - shared;
  if (left === 0 && shared === 0)
    return `${tasks}, all found in the store: nothing is to be computed`;
  return `${tasks}: ${cached} found in the store, ${shared} computed by others now, ${left} to compute`;
}

function describeGpus({ peakGpus, gpuHours }: PlanReceipt): string {
  if (peakGpus === 0) return "none needed";
  const hours =
    gpuHours === undefined
      ? "hours not known: nothing like it has run in this store"
      : `about ${gpuHours} GPU-hours, as earlier runs took`;
  return `at most ${peakGpus} at once, ${hours}`;
}

function describeBudget(
  { spec: { budget } }: Run,
  { gpuHours }: PlanReceipt,
): string | null {
  if (budget?.gpuHours === undefined) return null;
  const isOver = Number(gpuHours ?? 0) > budget.gpuHours;
  return `${budget.gpuHours} GPU-hours${isOver ? ": it will not suffice" : ""}`;
}
