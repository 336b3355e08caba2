/**
 * Keeps what is known of the objects of a kind up to date: list, watch from there, go on where the watch ended.
 *
 * I1 An ordinary end is followed by a watch from the last version that was heard. Only a version that the server has
 *    forgotten (410) means another list.
 * I2 Nothing that goes wrong ends it: temporary errors, refusals (a right or a kind may come later), silence. It tries
 *    again with growing, jittered delays, and says what is wrong once until it is mended.
 * I3 Every `relistMs` it lists again, however healthy the watch seems: an event that never came is mended then.
 * I4 Listeners hear only that something may have changed; what one throws is said and disturbs nobody.
 * I5 Time is monotonic: a clock that jumps changes nothing.
 */
import type { Clock } from "../base/clock.ts";
import { toError, TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Informer } from "./informer-port.ts";
import type { Kube, KubeObject, KubeResource, ListOptions } from "./kube.ts";
import { createObjectCache, isNewerVersion } from "./object-cache.ts";
import { KubeRefusal } from "./refusal.ts";

export type InformerOptions<T extends KubeObject> = ListOptions & {
  readonly kube: Kube;
  readonly resource: KubeResource;
  /** What `byIndex` finds an object by; null: by nothing. */
  readonly indexBy?: (object: T) => string | null;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Default: 10 minutes. */
  readonly relistMs?: number;
};

const firstDelayMs = 100;
const maxDelayMs = 30_000;
/** A watch that lived so long has shown that the server is well. */
const healthyMs = 5_000;

export function openInformer<T extends KubeObject>(
  options: InformerOptions<T>,
): Informer<T> {
  const { kube, resource, clock, random } = options;
  const { namespace, labelSelector, fieldSelector, specFields } = options;
  const { relistMs = 600_000 } = options;
  const log = options.log.child({ resource: resource.plural });
  const selection = {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(specFields !== undefined && { specFields }),
  };
  const cache = createObjectCache<T>(options.indexBy ?? (() => null));
  const listeners: ((object: T) => void)[] = [];
  const closing = new AbortController();
  const first = Promise.withResolvers<void>();
  const patience = createPatience({ clock, random, log, closing });
  let heardAtMs = clock.monotonicMs();

  function tell(object: T): void {
    for (const listener of listeners)
      try {
        listener(object);
      } catch (thrown) {
        log.error({ error: toError(thrown) }, "an informer's listener failed"); // I4
      }
  }
  const hear = (): void => {
    heardAtMs = clock.monotonicMs();
    patience.hear();
  };

  async function list(): Promise<string> {
    const { items, resourceVersion } = await kube.list<T>(resource, selection);
    hear();
    cache.replaceAll(items).forEach(tell);
    first.resolve();
    return resourceVersion;
  }

  /** One connection, from `at` on; moves `at` as far as it came. */
  async function watch(at: Position, signal: AbortSignal): Promise<void> {
    const from = { ...selection, resourceVersion: at.version, signal };
    for await (const event of kube.watch<T>(resource, from)) {
      hear();
      if (event.type === "BOOKMARK") {
        at.reach(event.resourceVersion);
        continue;
      }
      const { object } = event;
      const isNews =
        event.type === "DELETED" ? cache.remove(object) : cache.put(object);
      at.reach(object.metadata.resourceVersion ?? "");
      if (isNews) tell(object);
    }
    // Its end is a word of the server too: some kinds have no bookmarks.
    if (!signal.aborted) hear();
  }

  /** From a list until another list is due (I3) or needed (I1). */
  async function follow(): Promise<void> {
    const at = createPosition(await list());
    const due = new AbortController();
    const stop = AbortSignal.any([closing.signal, due.signal]);
    const timer = clock.sleep(relistMs, stop).then(() => due.abort());
    try {
      while (!stop.aborted) {
        const startMs = clock.monotonicMs();
        const before = at.version;
        const ended = await settle(watch(at, stop));
        if (stop.aborted) break;
        const wasWell =
          at.version !== before || clock.monotonicMs() - startMs > healthyMs;
        if (wasWell) patience.reset();
        // In bursts a server ends watches early: that costs no time.
        if (ended === null && wasWell) continue;
        await patience.wait(isForgotten(ended) ? null : ended);
        if (isForgotten(ended)) break;
      }
    } finally {
      due.abort();
      await timer;
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const ended = await settle(follow());
      if (ended !== null && !closing.signal.aborted) await patience.wait(ended);
    }
    first.resolve();
  }
  const running = run();

  return {
    get: cache.get,
    list: cache.list,
    byIndex: cache.byIndex,
    onChange(listener) {
      listeners.push(listener);
    },
    synced: first.promise,
    silentMs: () => clock.monotonicMs() - heardAtMs,
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** Null: it ended without an error. */
async function settle(promise: Promise<void>): Promise<Error | null> {
  try {
    await promise;
    return null;
  } catch (thrown) {
    return toError(thrown);
  }
}

function isForgotten(error: Error | null): boolean {
  return error instanceof KubeRefusal && error.status === 410;
}

/** The last version that was heard of (I1). */
type Position = { readonly version: string; reach(version: string): void };

function createPosition(start: string): Position {
  let version = start;
  return {
    get version() {
      return version;
    },
    reach(heard) {
      if (isNewerVersion(heard, version)) version = heard;
    },
  };
}

type Patience = {
  /** The server has said something. */
  hear(): void;
  /** All is well: the next delay is the shortest. */
  reset(): void;
  /** Waits, longer each time, and says an error once (I2). */
  wait(error: Error | null): Promise<void>;
};

function createPatience(options: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly closing: AbortController;
}): Patience {
  const { clock, random, log, closing } = options;
  let delayMs = firstDelayMs;
  let said: string | null = null;
  return {
    hear() {
      if (said !== null) log.info({}, "objects are followed again");
      said = null;
    },
    reset() {
      delayMs = firstDelayMs;
    },
    async wait(error) {
      if (error && error.message !== said) {
        said = error.message;
        log.warn({ error: said }, "cannot follow objects of the API server");
      }
      const askedMs =
        error instanceof TransientError || error instanceof KubeRefusal
          ? (error.retryAfterMs ?? 0)
          : 0;
      // Many informers are told to wait or to list again at the same moment.
      const jitteredMs = delayMs * (0.5 + random());
      await clock.sleep(askedMs + jitteredMs, closing.signal);
      delayMs = Math.min(maxDelayMs, delayMs * 2);
    },
  };
}
