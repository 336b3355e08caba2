/** Readers of what runs leave in a store beside artifacts: plans, statuses, histories, claims, pins. */
import { createHash } from "node:crypto";
import { UserError } from "../../../src/base/errors.ts";
import { formatStatus } from "../../../src/cli/format-status.ts";
import { planToJson } from "../../../src/plan/serialize.ts";
import { readClaimEpoch } from "../../../src/store/claims/claims.ts";
import { readPin, writePin } from "../../../src/store/gc/pins.ts";
import { toJsonBytes } from "../../../src/store/json.ts";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { readAttempts } from "../../../src/store/runs/run-attempts.ts";
import {
  readControl,
  requestRetry,
} from "../../../src/store/runs/run-control.ts";
import { readRunEvents } from "../../../src/store/runs/run-events.ts";
import { readPlan, readStatus } from "../../../src/store/runs/run-records.ts";
import type { Store } from "../../../src/store/store.ts";
import { buildPlan } from "../plans.ts";
import type { FuzzTarget } from "./fuzz.ts";

const run = "study-1a2b3c4d";
const plan = buildPlan({
  photos: { kind: "shard", params: { limit: 10 } },
  pretrain: { kind: "pretrain", inputs: ["photos"], seed: 1 },
  report: { kind: "report", inputs: ["pretrain"] },
});
const status = {
  version: 1,
  run,
  updatedAtMs: 5_000,
  status: {
    phase: "Failed",
    reason: "a task failed",
    counts: {
      total: 3,
      cached: 0,
      Pending: 0,
      Running: 1,
      Succeeded: 1,
      Failed: 1,
      Skipped: 0,
      Cancelled: 0,
    },
    stages: [
      {
        stage: "photos",
        kind: "shard",
        tasks: 1,
        succeeded: 1,
        cached: 0,
        running: 0,
        failed: 0,
      },
    ],
    notes: [{ task: "report", phase: "Failed", reason: "no", attempts: 2 }],
  },
};
const events = [
  { atMs: 1, task: null, phase: "Running", attempt: null, reason: "" },
  { atMs: 2, task: "photos", phase: "Running", attempt: 1, reason: "" },
  { atMs: 3, task: "photos", phase: "Succeeded", attempt: 1, reason: "" },
];
const claim = {
  version: 1,
  key: "a".repeat(64),
  epoch: 3,
  token: null,
  takenAtMs: 1,
  heartbeatAtMs: 2,
  owner: { host: "h", bootId: "b", pid: 1, pidStartTime: "1", run, task: "t" },
};
const pin = {
  kind: "run",
  name: "paper",
  reason: "Table 2",
  pinnedAtMs: 7,
} as const;
const attempts = [
  {
    number: 1,
    startedAtMs: 1,
    end: { atMs: 2, exitCode: 65, cause: null, reason: "no" },
  },
  { number: 2, startedAtMs: 3, end: null },
];

/** Puts an input at its place, and reads it as the commands do: refused is a UserError. */
function readAt(
  path: string,
  read: (store: Store) => Promise<unknown>,
): FuzzTarget["read"] {
  return async (input) => {
    const store = createMemoryStore();
    await store.put(path, input);
    return await isRead(() => read(store));
  };
}

async function isRead(read: () => Promise<unknown>): Promise<boolean> {
  try {
    return (await read()) !== null;
  } catch (thrown) {
    if (thrown instanceof UserError) return false;
    throw thrown;
  }
}

/** A forger knows how a plan is sealed. */
function seal(input: Buffer): Buffer {
  const body = input
    .toString()
    .trimEnd()
    .replace(/(,"digest":"[^"]*")?\}$/, "");
  const digest = createHash("sha256").update(body).digest("hex");
  return Buffer.from(`${body},"digest":"${digest}"}\n`);
}

async function corpusOf(
  write: (store: Store) => Promise<unknown>,
  read: (store: Store) => Promise<Uint8Array | undefined | null>,
): Promise<readonly Uint8Array[]> {
  const store = createMemoryStore();
  await write(store);
  return [(await read(store)) ?? new Uint8Array()];
}

export const recordTargets: readonly FuzzTarget[] = [
  {
    name: "plan",
    kind: "json",
    corpus: () => [Buffer.from(planToJson(plan))],
    read: (input) =>
      readAt(layout.runPlan(run), (store) => readPlan(store, run))(seal(input)),
  },
  {
    name: "status",
    kind: "json",
    corpus: () => [toJsonBytes(status)],
    read: readAt(layout.runStatus(run), async (store) => {
      const found = await readStatus(store, run);
      return (
        found &&
        formatStatus(
          { run, status: found.status, ageMs: 0 },
          (_colour, text) => text,
        )
      );
    }),
  },
  {
    name: "events",
    kind: "json",
    corpus: () => [
      Buffer.from(events.map((it) => `${JSON.stringify(it)}\n`).join("")),
    ],
    // What cannot be read is counted, not refused.
    read: readAt(layout.runEvents(run), async (store) =>
      (await readRunEvents(store, run)).unreadable === 0 ? true : null,
    ),
  },
  {
    name: "attempts",
    kind: "json",
    corpus: () => [toJsonBytes(attempts)],
    read: readAt(`${layout.runAttempts(run)}photos.json`, (store) =>
      readAttempts(store, run),
    ),
  },
  {
    name: "claim",
    kind: "json",
    corpus: () => [toJsonBytes(claim)],
    read: async (input) => {
      const store = createMemoryStore();
      await store.swap(layout.claim(claim.key), input, null);
      return await isRead(() => readClaimEpoch(store, claim.key));
    },
  },
  {
    name: "control",
    kind: "json",
    corpus: () =>
      corpusOf(
        (store) => requestRetry(store, { run, task: "photos", atMs: 7 }),
        async (store) =>
          (await store.readRecord(layout.runControl(run)))?.bytes,
      ),
    read: async (input) => {
      const store = createMemoryStore();
      await store.swap(layout.runControl(run), input, null);
      return await isRead(() => readControl(store, run));
    },
  },
  {
    name: "pin",
    kind: "json",
    corpus: () =>
      corpusOf(
        (store) => writePin(store, pin),
        (store) => store.read(layout.pin(pin.name)),
      ),
    read: readAt(layout.pin("paper"), (store) => readPin(store, "paper")),
  },
];
