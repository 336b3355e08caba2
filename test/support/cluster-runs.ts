/** Runs in the namespace of a `TestCluster`: submitted as objects, waited for, and looked into by the store and their pods. */
import { annotations, labels } from "../../src/resources/labels.ts";
import type {
  Run,
  RunResourceStatus,
  RunSpec,
} from "../../src/resources/run-resource.ts";
import { storeRunOf } from "../../src/resources/store-run.ts";
import type { Job, Pod } from "../../src/executor/jobs/job.ts";
import {
  readManifest,
  type Manifest,
} from "../../src/store/artifacts/manifest.ts";
import { layout } from "../../src/store/layout.ts";
import { readPlan } from "../../src/store/runs/run-records.ts";
import type { Store } from "../../src/store/store.ts";
import type { ClusterObjects } from "./cluster.ts";
import { waitFor } from "./wait-for.ts";

/** Between two looks at the cluster: each is a process. */
const LOOK_EVERY_MS = 500;
const TERMINAL = ["Succeeded", "Failed", "Cancelled"];

export type ClusterRuns = {
  /** Creates a Run; `pipeline`: a value, or the text of a file. */
  submit(
    name: string,
    pipeline: object | string,
    spec?: Partial<RunSpec>,
  ): Promise<string>;
  /** Its status once it is in a phase, or `is` says so; fails with the status and the controller's words after `timeoutMs`. */
  untilRun(
    name: string,
    is: RunResourceStatus["phase"] | ((status: RunResourceStatus) => boolean),
    timeoutMs?: number,
  ): Promise<RunResourceStatus>;
  /** Something that the cluster has at some time. */
  until<T>(
    what: string,
    look: () => Promise<T | null>,
    timeoutMs?: number,
  ): Promise<T>;
  /** What a task of it was to make, by the plan in the store. */
  keyOf(name: string, task: string): Promise<string>;
  /** Waits until a training of it has a checkpoint; returns its pod, which runs. */
  untilCheckpoint(name: string, task: string): Promise<Pod>;
  /** Its commit; fails if there is none. */
  manifestOf(name: string, task: string): Promise<Manifest>;
  podsOf(name: string): Promise<readonly Pod[]>;
  jobsOf(name: string): Promise<readonly Job[]>;
};

export function createClusterRuns(
  cluster: ClusterObjects,
  store: Store,
): ClusterRuns {
  const { kubectl, get, list, apply } = cluster;
  const getRun = async (name: string): Promise<Run> => {
    const found = await get<Run>("run", name);
    if (found === null) throw new Error(`there is no Run '${name}'`);
    return found;
  };
  const ofRun = async (name: string): Promise<string> =>
    `${labels.run}=${(await getRun(name)).metadata.uid ?? ""}`;
  const podsOf = async (name: string): Promise<readonly Pod[]> =>
    list<Pod>("pods", "-l", await ofRun(name));
  const until: ClusterRuns["until"] = (what, look, timeoutMs = 120_000) =>
    waitFor(what, look, timeoutMs, LOOK_EVERY_MS);
  const keyOf = async (name: string, task: string): Promise<string> => {
    const plan = await until(`the plan of '${name}'`, async () =>
      readPlan(store, storeRunOf(await getRun(name))),
    );
    const found = plan.tasks.find((one) => one.name === task);
    if (found === undefined) throw new Error(`there is no task '${task}'`);
    return found.key;
  };
  return {
    submit: (name, pipeline, spec = {}) =>
      apply({
        apiVersion: "hueline.dev/v1alpha1",
        kind: "Run",
        metadata: { name },
        spec: {
          pipeline:
            typeof pipeline === "string" ? pipeline : JSON.stringify(pipeline),
          ...spec,
        },
      }),
    async untilRun(name, is, timeoutMs = 120_000) {
      let last: RunResourceStatus | undefined;
      const isThere = (status: RunResourceStatus): boolean =>
        typeof is === "string" ? status.phase === is : is(status);
      try {
        return await waitFor(
          `what Run '${name}' should come to`,
          async () => {
            last = (await getRun(name)).status;
            if (last === undefined) return null;
            if (isThere(last)) return last;
            if (TERMINAL.includes(last.phase))
              throw new Error(`it has ended: ${last.reason}`);
            return null;
          },
          timeoutMs,
          LOOK_EVERY_MS,
        );
      } catch (thrown) {
        const seen = JSON.stringify(last, null, 1);
        const said = await kubectl(
          "logs",
          "deployment/hueline-controller",
          "--tail=40",
        ).catch(String);
        const pods = await kubectl("get", "pods").catch(String);
        throw new Error([seen, said, pods].join("\n"), { cause: thrown });
      }
    },
    until,
    keyOf,
    async untilCheckpoint(name, task) {
      const key = await keyOf(name, task);
      await until(`a checkpoint of '${task}' of '${name}'`, async () => {
        const [first] = await store.listFolders(layout.checkpoints(key));
        return first ?? null;
      });
      const pods = await podsOf(name);
      const found = pods.find(
        ({ metadata, status }) =>
          metadata.annotations?.[annotations.task] === task &&
          metadata.deletionTimestamp === undefined &&
          status?.phase === "Running",
      );
      if (found === undefined)
        throw new Error(`'${task}' ended before anything was done to it`);
      return found;
    },
    async manifestOf(name, task) {
      const key = await keyOf(name, task);
      const manifest = await readManifest(store, key);
      if (manifest === null) throw new Error(`'${task}' is not committed`);
      return manifest;
    },
    podsOf,
    jobsOf: async (name) => list<Job>("jobs", "-l", await ofRun(name)),
  };
}
