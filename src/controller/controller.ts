/**
 * The controller: watches Runs and Schedules, their Jobs and pods, and steps what has changed.
 *
 *  C1 Level-triggered: what is watched only says which key to look at; a turn looks at everything anew.
 *  C2 One turn at a time for a key (the queue), and some time between two, also for what changes during one, so that a
 *     burst of changes is one turn.
 *  C3 Only what is ours is stepped, by the leases; without them everything is.
 *  C4 Leaving changes nothing in the cluster: Jobs go on, and whoever comes next finds them.
 */
import { createWorkQueue, type WorkQueue } from "../kube/work-queue.ts";
import { createHealth } from "./service/health.ts";
import { serveHttp, type HttpServer } from "./service/http.ts";
import { keyOf, parseKey } from "./keys.ts";
import { noticeChanges } from "./notice.ts";
import { watchObjects, type Watched } from "./objects.ts";
import { openLoop, type OpenLoopOptions } from "./runs/open-loop.ts";
import { createPace } from "./pace.ts";
import { probe } from "./service/probe.ts";
import { countPhases, createRunDesk, type RunDesk } from "./runs/run-desk.ts";
import { openSharing, type Sharing } from "./sharing/sharing.ts";
import { createStepper, type Stepper } from "./stepper.ts";
import { shardOf } from "./sharing/share-shards.ts";

export type ControllerOptions = Omit<
  OpenLoopOptions,
  "watched" | "capabilities" | "onChange"
> & {
  /** In [0, 1): spreads what would come at the same moment. */
  readonly random: () => number;
  /**
   * Processor time of this process so far, whatever it was for. Not how long its event loop was busy: on a machine that is
   * full that is mostly waiting for others.
   */
  readonly cpuMs: () => number;
};

export type Controller = {
  /** Where probes and metrics are; null: nowhere. */
  readonly url: string | null;
  /** Resolves when everything was listed and this replica takes part. */
  readonly started: Promise<void>;
  /** Finishes the turns that are under way, gives back the leases; never takes longer than `shutdownMs`. */
  close(): Promise<void>;
};

/** Throws `controller.no-crds` (UserError), and what the API server refuses. */
export async function startController(
  options: ControllerOptions,
): Promise<Controller> {
  const { kube, settings, clock, log } = options;
  const capabilities = await probe({ ...settings, kube, log });
  const watched = watchObjects({ ...options, ...settings, ...settings.limits });
  const replica = createReplica({ ...options, capabilities, watched });
  const http = await serve(options, { watched, ...replica });
  noticeChanges(watched, replica.enqueue);
  const started = watched.synced.then(() => replica.join());
  const shutDown = async (): Promise<void> => {
    await replica.queue.close();
    await watched.close();
    await started;
    await replica.leave();
    await http?.close();
  };
  return {
    url: http?.url ?? null,
    started,
    async close() {
      const over = new AbortController();
      const late = clock
        .sleep(settings.limits.shutdownMs, over.signal)
        .then(() => "late" as const);
      const outcome = await Promise.race([shutDown(), late]);
      over.abort();
      if (outcome === "late")
        log.warn({}, "not everything could be let go of in time");
    },
  };
}

type Replica = {
  readonly queue: WorkQueue;
  readonly desk: RunDesk;
  readonly stepper: Stepper;
  isSynced(): boolean;
  enqueue(key: string, isUrgent?: boolean): void;
  heldShards(): number;
  owns(uid: string): boolean;
  /** Everything was listed: takes part. */
  join(): Promise<void>;
  leave(): Promise<void>;
};

function createReplica(
  options: ControllerOptions & {
    readonly capabilities: OpenLoopOptions["capabilities"];
    readonly watched: Watched;
  },
): Replica {
  const { kube, watched, settings, clock, log, metrics } = options;
  const { random, cpuMs } = options;
  const pace = createPace(clock, settings.limits);
  let sharing: Sharing | null = null;
  let hasJoined = false;

  const owns = (uid: string): boolean =>
    settings.sharing === null || (sharing?.owns(uid) ?? false);
  /** Keys that have their turn now; whether something changed meanwhile, and how urgent that is. */
  const underWay = new Map<string, boolean | null>();
  const enqueue = (key: string, isUrgent = false): void => {
    const changed = underWay.get(key);
    if (changed !== undefined) underWay.set(key, isUrgent || changed === true);
    // Until everything was listed, what is not there is only not known.
    else if (hasJoined) queue.addAfter(key, pace.waitMs(key, isUrgent));
  };
  const desk = createRunDesk({
    ...options,
    openLoop: (key, run) =>
      openLoop({ ...options, onChange: enqueue }, key, run),
  });
  const stepper = createStepper({ ...options, desk, owns });
  const queue = createWorkQueue({
    workers: settings.limits.workers,
    clock,
    random,
    log,
    // Turns that fail are tried again soon: much of what they wait for is over in seconds.
    maxDelayMs: 60_000,
    async work(key) {
      const startMs = cpuMs();
      let hasFailed = true;
      underWay.set(key, null);
      try {
        const nextMs = await stepper.step(key);
        hasFailed = false;
        if (nextMs !== null) queue.addAfter(key, nextMs);
      } finally {
        pace.note(key, { busyMs: cpuMs() - startMs, hasFailed });
        const changed = underWay.get(key) ?? null;
        underWay.delete(key);
        if (changed !== null) enqueue(key, changed);
        if (!isThere(watched, key)) pace.forget(key);
      }
    },
    onWork({ waitedMs, failed }) {
      metrics.waited(waitedMs / 1000);
      if (failed) metrics.retried();
    },
  });
  const enqueueAll = (chosen: (uid: string) => boolean): void => {
    for (const { metadata } of watched.runs.list())
      if (chosen(metadata.uid ?? "")) enqueue(keyOf("run", metadata));
    for (const { metadata } of watched.schedules.list())
      if (chosen(metadata.uid ?? "")) enqueue(keyOf("schedule", metadata));
  };
  const openShared = async (): Promise<Sharing | null> => {
    if (settings.sharing === null) return null;
    const { shards } = settings.sharing;
    const isIn = (shard: number) => (uid: string) =>
      shardOf(uid, shards) === shard;
    return await openSharing({
      ...settings.sharing,
      kube,
      identity: settings.identity,
      clock,
      log,
      onGained: (shard) => {
        enqueueAll(isIn(shard));
      },
      onLosing: (shard) => desk.leaveAll(isIn(shard)),
    });
  };

  return {
    queue,
    desk,
    stepper,
    owns,
    enqueue,
    isSynced: () => hasJoined,
    heldShards: () => sharing?.held().length ?? 0,
    async join() {
      hasJoined = true;
      sharing = await openShared();
      enqueueAll(owns);
    },
    async leave() {
      await sharing?.close();
      await desk.leaveAll(() => true);
    },
  };
}

function isThere({ runs, schedules }: Watched, key: string): boolean {
  const { kind, namespace, name } = parseKey(key);
  const informer = kind === "run" ? runs : schedules;
  return informer.get(namespace, name) !== null;
}

async function serve(
  { settings, metrics, clock, openStore }: ControllerOptions,
  replica: Replica & { readonly watched: Watched },
): Promise<HttpServer | null> {
  const { watched, queue, desk, stepper, owns } = replica;
  metrics.observe({
    queueDepth: () => queue.stats().waiting,
    leasesHeld: replica.heldShards,
    runsByPhase: () =>
      countPhases(
        watched.runs.list().filter(({ metadata }) => owns(metadata.uid ?? "")),
      ),
    tasksByPhase: () => sumTasks(desk),
  });
  if (settings.http === null) return null;
  const health = createHealth({
    clock,
    limits: settings.limits,
    store: openStore(settings.storeUrl),
    isSynced: replica.isSynced,
    silentMs: () => watched.silentMs(),
    longestTurn: () => stepper.longestTurn(),
  });
  return await serveHttp({ ...settings.http, metrics, ...health });
}

function sumTasks(desk: RunDesk): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { counts } of desk.statuses())
    for (const [phase, count] of Object.entries(counts))
      if (phase !== "total" && phase !== "cached")
        sums[phase] = (sums[phase] ?? 0) + count;
  return sums;
}
