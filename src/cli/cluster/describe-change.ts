/** What is new in a Run since it was last seen, in lines for people. Pure. */
import type { Run, RunResourceStatus } from "../../resources/run-resource.ts";
import type { Paint } from "../output.ts";

/** @param before undefined: it was not seen before. */
export function describeChange(
  before: Run | undefined,
  { status }: Run,
  paint: Paint,
): readonly string[] {
  if (status === undefined) return [];
  const last = before?.status;
  return [
    ...ofPhase(last, status, paint),
    ...ofStages(last, status, paint),
    ...ofTasks(last, status, paint),
  ];
}

function ofPhase(
  last: RunResourceStatus | undefined,
  { phase, reason }: RunResourceStatus,
  paint: Paint,
): readonly string[] {
  // While it runs its reason is how far it is, which the stages tell.
  const isSame =
    last?.phase === phase && (phase === "Running" || last.reason === reason);
  if (isSame) return [];
  const colour =
    phase === "Succeeded" ? "green" : phase === "Failed" ? "red" : "cyan";
  return [`${paint(colour, phase)}: ${reason}`];
}

function ofStages(
  last: RunResourceStatus | undefined,
  { stages = [] }: RunResourceStatus,
  paint: Paint,
): readonly string[] {
  const before = new Map(last?.stages?.map((row) => [row.stage, row]));
  return stages.flatMap(({ stage, tasks, succeeded, cached }) => {
    if (succeeded === (before.get(stage)?.succeeded ?? 0)) return [];
    const found = cached > 0 ? `, ${cached} found in the store` : "";
    return [paint("green", `${stage} ${succeeded}/${tasks} done${found}`)];
  });
}

/** Tasks that have failed, and what others wait for: each reason once. */
function ofTasks(
  last: RunResourceStatus | undefined,
  { notes = [], reason: ofRun }: RunResourceStatus,
  paint: Paint,
): readonly string[] {
  const said = new Set(last?.notes?.map(toKey));
  return notes.flatMap((note) => {
    const { task, phase, reason } = note;
    const isWorthIt = phase === "Failed" || phase === "Pending";
    if (!isWorthIt || reason === "" || said.has(toKey(note))) return [];
    if (phase === "Pending" && reason === ofRun) return [];
    return phase === "Failed"
      ? [paint("red", `${task} failed: ${reason}`)]
      : [`${task} waits: ${reason}`];
  });
}

type Note = NonNullable<RunResourceStatus["notes"]>[number];

function toKey({ task, phase, reason }: Note): string {
  return `${task} ${phase} ${reason}`;
}
