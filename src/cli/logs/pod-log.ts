/**
 * What the worker of a pod says, line by line, over connections that break: each is begun a little earlier than the last
 * one ended, and what was given already is left out.
 *
 * The kubelet puts the time before each line, to the nanosecond; where lines share one, their number decides. So no line
 * is given twice and none is missing, as long as the pod is there.
 */
import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { WORKER, workerOf, type Pod } from "../../executor/jobs/job.ts";
import { resources, type Kube, type ObjectName } from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";

const RECONNECT_MS = 500;
const MAX_RECONNECT_MS = 10_000;

export type PodLogOptions = {
  /** Goes on until the worker has ended, however long its node does not answer; else gives what there is, or throws. */
  readonly follows: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Ends where the pod is gone too: what it said last is in the store. */
export async function* readPodLog(
  kube: Kube,
  name: ObjectName,
  { follows, clock, signal }: PodLogOptions,
): AsyncGenerator<string> {
  const position = createPosition();
  let follow = follows;
  let waitMs = RECONNECT_MS;
  while (!signal.aborted) {
    try {
      const from = { follow, signal, ...position.begin() };
      for await (const text of kube.readLog(name, { ...options, ...from })) {
        const line = position.take(text);
        if (line === null) continue;
        waitMs = RECONNECT_MS;
        yield line;
      }
      if (!follow) return;
      // The end of a worker, or of a connection: what is left of the first is read to its end.
      if (await hasEnded(kube, name)) follow = false;
    } catch (thrown) {
      if (isGone(thrown)) return;
      if (!follows || !isTemporary(thrown)) throw thrown;
      waitMs = Math.min(MAX_RECONNECT_MS, 2 * waitMs);
    }
    await clock.sleep(waitMs, signal);
  }
}

const options = { container: WORKER, timestamps: true } as const;

async function hasEnded(kube: Kube, name: ObjectName): Promise<boolean> {
  const pod = await kube.get<Pod>(resources.pod, name);
  return pod === null || workerOf(pod)?.state?.terminated !== undefined;
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof KubeRefusal && thrown.status === 404;
}

/** 400: the container has not started, or a node has just come back. */
function isTemporary(thrown: unknown): boolean {
  return (
    thrown instanceof TransientError ||
    (thrown instanceof KubeRefusal && thrown.status === 400)
  );
}

type Position = {
  /** A connection begins: where. */
  begin(): { readonly sinceTime?: string };
  /** The line without its time; null: it was given already. */
  take(text: string): string | null;
};

function createPosition(): Position {
  let last = "";
  /** Lines of the time `last` that were given. */
  let given = 0;
  /** Of these, how many this connection will say again. */
  let again = 0;
  return {
    begin() {
      again = given;
      if (last === "") return {};
      const seconds = Number(last.slice(0, last.indexOf(".")));
      return { sinceTime: new Date(seconds * 1000).toISOString() };
    },
    take(text) {
      const { time, line } = split(text);
      // No time: somebody between us and the kubelet has something to say.
      if (time === null) return text;
      if (time < last) return null;
      if (time > last) {
        last = time;
        given = 0;
        again = 0;
      }
      if (again > 0) {
        again--;
        return null;
      }
      given++;
      return line;
    },
  };
}

/** Seconds and nanoseconds since 1970, which sort as text; null: the line begins with no time. */
function split(text: string): {
  readonly time: string | null;
  readonly line: string;
} {
  const match =
    /^(\d{4}-\d{2}-\d{2}T[\d:]{8})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}) ?/.exec(
      text,
    );
  if (match === null) return { time: null, line: text };
  const [whole, moment = "", fraction = "", zone = ""] = match;
  const seconds = Date.parse(moment + zone) / 1000;
  const time = `${String(seconds).padStart(11, "0")}.${fraction.padEnd(9, "0")}`;
  return { time, line: text.slice(whole.length) };
}
