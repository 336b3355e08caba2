/**
 * Writes the status of one Run, and the Events of what changed in it: only differences, at most once in a while, and beside
 * the turns of the Run, which do not wait for an API server that is slow.
 *
 * Server-side apply with one field manager: nobody else writes there, so nothing conflicts, whatever version was seen. One
 * write at a time: an earlier word never comes after a later one.
 * Events go first: their names follow from the transition, so whoever repeats it after a crash finds them (`run-events`).
 * The end of a Run is said the other way round; who finds a Run that ended a short while ago says its Event again.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createBackground } from "../../executor/background.ts";
import { resources, type Kube, type KubeObject } from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import { controlOf } from "../../resources/control-of.ts";
import { toEndEvent, toRunEvents } from "../../resources/run-events.ts";
import type {
  Condition,
  Run,
  RunResourceStatus,
} from "../../resources/run-resource.ts";
import {
  isDifferent,
  isEnded,
  isLatched,
  toRunStatus,
  type Hindrance,
} from "../../resources/run-status.ts";
import type { RunControl } from "../../run/observation.ts";
import type { RunReport } from "./run-report.ts";

const FIELD_MANAGER = "hueline-controller";
/** Longer than it takes another controller to come, and so short that it asks little for Runs that ended long ago. */
const REPEAT_END_MS = 2 * 60_000;

export type StatusWriter = {
  /**
   * Begins to say what is new. Throws what an earlier write failed of, once.
   * @returns null: it stands, or will soon; else milliseconds until it may be written.
   */
  write(run: Run, report: RunReport): number | null;
  /** Says it at once, and resolves when it stands: nothing may be said for long after this. */
  writeLast(run: Run, report: RunReport): Promise<void>;
  /** Says as an Event that the Run has come to its end; once, whoever does. */
  tellEnd(run: Run): Promise<void>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
  /** Says it as an Event alone, once: the status is that of who drives the run. */
  warn(run: Run, hindrance: Hindrance): Promise<void>;
  /** What is asked of the run, with the GPU-hours that its status tells. */
  controlOf(run: Run): RunControl;
  /** Whether the run has ended for good (F), by its status as it is on the server or as it was written here. */
  isOver(run: Run): boolean;
};

export type StatusWriterOptions = {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
  /** At least so long between two writes. */
  readonly writeEveryMs: number;
  readonly store: { readonly url: string; readonly run: string };
  /** What hinders every Run here. */
  readonly hindrances: readonly Hindrance[];
  readonly onWritten: () => void;
  /** A write failed: what comes next throws it. */
  readonly onFailed: () => void;
};

/** A step of the status that is to be written. */
type Change = {
  readonly run: Run;
  readonly before: RunResourceStatus | undefined;
  readonly after: RunResourceStatus;
};

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { clock, store } = options;
  let written: RunResourceStatus | undefined;
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  let gpuHours: number | null = null;
  let warned: Hindrance | null = null;

  const ask = (run: Run) =>
    controlOf(run, {
      gpuHours: gpuHours ?? hoursOf(run.status),
      nowMs: clock.now(),
    });
  const create = (run: Run, report: RunReport): RunResourceStatus => {
    const { control, problems } = ask(run);
    const hindrances = [
      ...report.hindrances,
      ...options.hindrances,
      ...problems.map((message) => ({ reason: "BadAnnotation", message })),
    ];
    return toRunStatus({
      ...report,
      generation: run.metadata.generation ?? 0,
      nowMs: clock.now(),
      previous: written ?? run.status,
      control,
      gpuHours: gpuHours ?? hoursOf(run.status),
      store,
      hindrances,
    });
  };
  /** Null: there is nothing new. */
  const compare = (run: Run, report: RunReport): Change | null => {
    gpuHours = report.gpuHours ?? gpuHours;
    const before = written ?? run.status;
    const after = create(run, report);
    return isDifferent(before, after) ? { run, before, after } : null;
  };
  const put = async ({ run, before, after }: Change): Promise<void> => {
    const nowMs = clock.now();
    for (const event of toRunEvents(run, { before, after, nowMs }))
      await createEvent(event, options);
    await applyStatus(run, after, options);
    written = after;
    writtenAtMs = clock.monotonicMs();
    options.onWritten();
  };
  let next: Change | null = null;
  const background = createBackground(async () => {
    if (next !== null) await put(next);
  }, options.onFailed);

  return {
    write(run, report) {
      const { writeEveryMs } = options;
      background.check();
      if (background.isBusy()) return writeEveryMs;
      const change = compare(run, report);
      if (change === null) return null;
      const sinceMs = clock.monotonicMs() - writtenAtMs;
      if (sinceMs < writeEveryMs) return writeEveryMs - sinceMs;
      next = change;
      background.start();
      return null;
    },
    async writeLast(run, report) {
      await background.settled();
      const change = compare(run, report);
      if (change !== null) await put(change);
    },
    async tellEnd(run) {
      const known = [written, run.status];
      const status = known.find((one) => one && isEnded(one.phase));
      const endMs = Date.parse(status?.finishedAt ?? "");
      const isNews = clock.now() - endMs < REPEAT_END_MS;
      const event = isNews && status && toEndEvent(run, status, clock.now());
      if (event) await createEvent(event, options);
    },
    settled: () => background.settled(),
    async warn(run, hindrance) {
      if (isDeepStrictEqual(warned, hindrance)) return;
      const events = toWarnings(run, hindrance, clock.now());
      for (const event of events) await createEvent(event, options);
      warned = hindrance;
    },
    controlOf: (run) => ask(run).control,
    isOver(run) {
      const { control } = ask(run);
      const known = [run.status, written];
      return known.some((status) => status && isLatched(status, control));
    },
  };
}

/** The Event of the condition that is not written. */
function toWarnings(
  run: Run,
  hindrance: Hindrance,
  nowMs: number,
): ReturnType<typeof toRunEvents> {
  const degraded: Condition = {
    ...hindrance,
    type: "Degraded",
    status: "True",
    lastTransitionTime: "",
    observedGeneration: 0,
  };
  const after = {
    phase: "Pending",
    reason: "",
    observedGeneration: 0,
  } as const;
  return toRunEvents(run, {
    before: undefined,
    after: { ...after, conditions: [degraded] },
    nowMs,
  });
}

function hoursOf(status: RunResourceStatus | undefined): number {
  const hours = Number(status?.gpuHours ?? 0);
  return Number.isFinite(hours) ? hours : 0;
}

async function createEvent(
  event: KubeObject,
  { kube, log }: StatusWriterOptions,
): Promise<void> {
  try {
    await kube.create(resources.event, event);
  } catch (thrown) {
    if (!(thrown instanceof KubeRefusal)) throw thrown;
    if (thrown.reason === "AlreadyExists") return;
    // The status says it too: a cluster that takes no Events holds up no Run.
    log.warn({ reason: thrown.message }, "an Event was refused");
  }
}

async function applyStatus(
  { apiVersion, kind, metadata }: Run,
  status: RunResourceStatus,
  { kube, log }: StatusWriterOptions,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const object = {
    apiVersion,
    kind,
    // The uid: never the status of a Run of the same name that came after.
    metadata: { name, namespace, uid },
    status,
  } as KubeObject;
  try {
    await kube.apply(resources.run, object, {
      fieldManager: FIELD_MANAGER,
      subresource: "status",
    });
  } catch (thrown) {
    const isGone =
      thrown instanceof KubeRefusal &&
      (thrown.status === 404 || thrown.status === 409);
    if (!isGone) throw thrown;
    log.info({}, "the Run went while its status was written");
  }
}
