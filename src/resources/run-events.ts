/**
 * The Kubernetes Events of a Run: what `kubectl describe` shows of its history. Pure: status before and after → Events.
 *
 * A transition is said once, also where a controller dies between writing its Events and the status that they are of:
 * the name of an Event follows from the Run, the transition and when the state that it ends began, all of which the next
 * controller finds as this one did. "Already exists" is then success.
 *
 * The end of a Run is the exception: its status goes first, since people and programs wait for that, and nothing but its
 * status is needed to say the Event again.
 */
import { createHash } from "node:crypto";
import type { KubeObject } from "../kube/kube.ts";
import { conditionOf, toTime } from "./conditions.ts";
import { GROUP } from "./labels.ts";
import type {
  Condition,
  ConditionType,
  Run,
  RunResourceStatus,
} from "./run-resource.ts";

/** Event of core/v1, the fields that are used. */
export type KubeEvent = KubeObject & {
  readonly involvedObject: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
  };
  readonly type: "Normal" | "Warning";
  /** CamelCase. */
  readonly reason: string;
  /** At most 1024 characters. */
  readonly message: string;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: 1;
  readonly source: { readonly component: string };
  readonly reportingComponent: string;
  readonly reportingInstance: string;
};

const MAX_MESSAGE = 1024;
const COMPONENT = `${GROUP}/controller`;

type Transition = Pick<KubeEvent, "type" | "reason" | "message"> & {
  /** What makes it another transition than those of the same reason before. */
  readonly since: string;
};

type RunObject = Pick<Run, "apiVersion" | "kind" | "metadata">;

/** What changed between two statuses of a Run that is on a server, but for its end: to be said before the status is. */
export function toRunEvents(
  run: RunObject,
  change: {
    readonly before: RunResourceStatus | undefined;
    readonly after: RunResourceStatus;
    readonly nowMs: number;
  },
): readonly KubeEvent[] {
  const { before, after, nowMs } = change;
  return [...flips(before, after), ...failures(before, after)].map(
    (transition) => toEvent(run, transition, nowMs),
  );
}

/** That it has come to its end, by its status alone: to be said when that stands. Null: it has not. */
export function toEndEvent(
  run: RunObject,
  { conditions }: RunResourceStatus,
  nowMs: number,
): KubeEvent | null {
  const end = conditions.find(isEnd);
  const said = end && sayings[end.type](end);
  if (!said) return null;
  const { message, lastTransitionTime: since } = end;
  return toEvent(run, { message, ...said, since }, nowMs);
}

/** True only once: what is so then stays. */
function isEnd({ type, status }: Condition): boolean {
  return (type === "Succeeded" || type === "Failed") && status === "True";
}

function flips(
  before: RunResourceStatus | undefined,
  after: RunResourceStatus,
): readonly Transition[] {
  return after.conditions.flatMap((condition) => {
    const last = conditionOf(before?.conditions, condition.type);
    if (isEnd(condition) || !isNews(last, condition)) return [];
    const said = sayings[condition.type](condition);
    if (said === null) return [];
    const message = said.message ?? condition.message;
    return [{ ...said, message, since: last?.lastTransitionTime ?? "" }];
  });
}

/** That it waits is news also where it did not run before: why nothing happens is what people look for. */
function isNews(last: Condition | undefined, now: Condition): boolean {
  if ((last?.status ?? "False") !== now.status) return true;
  return now.reason === "Waiting" && last?.reason !== "Waiting";
}

type Saying = Pick<KubeEvent, "type" | "reason"> & {
  readonly message?: string;
};

const normal = (reason: string, message?: string): Saying => ({
  type: "Normal",
  reason,
  ...(message === undefined ? {} : { message }),
});

/** What the flip of a condition is called; null: another one says it. */
const sayings: Readonly<
  Record<ConditionType, (condition: Condition) => Saying | null>
> = {
  Planned: ({ status }) => (status === "True" ? normal("Planned") : null),
  Admitted: ({ status, reason }) =>
    status === "True"
      ? normal("Started")
      : reason === "Waiting"
        ? normal("Waiting")
        : null,
  Progressing: () => null,
  Suspended: ({ status }) =>
    status === "True" ? normal("Suspended") : normal("Resumed", "it goes on"),
  Succeeded: ({ status }) => (status === "True" ? normal("Succeeded") : null),
  Failed: ({ status, reason }) =>
    status !== "True"
      ? normal("Retried", "it was asked to try again")
      : reason === "Cancelled"
        ? normal("Cancelled")
        : { type: "Warning", reason: "Failed" },
  Degraded: ({ status, reason }) =>
    status === "True"
      ? { type: "Warning", reason }
      : normal("Recovered", "nothing hinders it any more"),
};

/** Tasks that are told to have failed and were not before. */
function failures(
  before: RunResourceStatus | undefined,
  after: RunResourceStatus,
): readonly Transition[] {
  const known = new Set(failedNotes(before).map(({ task }) => task));
  return failedNotes(after)
    .filter(({ task }) => !known.has(task))
    .map(({ task, reason, attempts }) => ({
      type: "Warning",
      reason: "TaskFailed",
      message: `'${task}' failed: ${reason}`,
      since: `${task}/${attempts}`,
    }));
}

function failedNotes(
  status: RunResourceStatus | undefined,
): NonNullable<RunResourceStatus["notes"]> {
  return status?.notes?.filter(({ phase }) => phase === "Failed") ?? [];
}

function toEvent(
  { apiVersion, kind, metadata }: RunObject,
  { type, reason, message, since }: Transition,
  nowMs: number,
): KubeEvent {
  const { name, namespace, uid } = metadata;
  if (uid === undefined || namespace === undefined)
    throw new Error(`${kind} '${name}' was not read from a server`);
  const hash = createHash("sha256")
    .update(JSON.stringify([uid, reason, since]))
    .digest("hex");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${hash.slice(0, 16)}`, namespace },
    involvedObject: { apiVersion, kind, name, namespace, uid },
    type,
    reason,
    message: cut(message),
    firstTimestamp: toTime(nowMs),
    lastTimestamp: toTime(nowMs),
    count: 1,
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: "",
  };
}

function cut(message: string): string {
  return message.length <= MAX_MESSAGE
    ? message
    : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}
