/**
 * A namespace of a real cluster for one test file, with the product in it: the `restricted` Pod Security Standard is
 * enforced, the store is a bucket of a real S3 server that the pods reach, the chart is installed as people install it.
 * `npm run test:cluster` says which cluster, by environment variables.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
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
import { hueline, type Ended } from "./hueline.ts";
import { openRealBucket, type RealBucket } from "./real-bucket.ts";
import { waitFor } from "./wait-for.ts";

const execute = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
export const SECRET = "store-credentials";
/** Between two looks at the cluster: each is a process. */
const LOOK_EVERY_MS = 500;

/** Of the chart, by their paths. */
type Values = Readonly<Record<string, string | number | boolean>>;

export type TestCluster = {
  readonly namespace: string;
  readonly bucket: RealBucket;
  /** URL of the store that the installation uses. */
  readonly storeUrl: string;
  kubectl(...args: readonly string[]): Promise<string>;
  /** An object as JSON; null: there is none. */
  get<T>(kind: string, name: string): Promise<T | null>;
  list<T>(kind: string, ...args: readonly string[]): Promise<readonly T[]>;
  apply(...objects: readonly object[]): Promise<string>;
  /** kubectl, with something to read: for `-f -`. */
  pipe(text: string, ...args: readonly string[]): Promise<string>;
  helm(...args: readonly string[]): Promise<string>;
  /** `helm upgrade --install --wait`. */
  install(values?: Values): Promise<string>;
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
  /** The command line, with this namespace and with the credentials of the store. */
  hueline(...args: readonly string[]): Promise<Ended>;
  close(): Promise<void>;
};

/** An environment variable of the runner; tests are not run without it. */
function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run \`npm run test:cluster\``);
  return value;
}

export async function openTestCluster(): Promise<TestCluster> {
  const helm = given("HUELINE_TEST_HELM");
  const [repository, tag] = splitImage(given("HUELINE_TEST_IMAGE"));
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(path.join(tmpdir(), "hueline-cluster-"));
  const bucket = await openRealBucket(folder, given("HUELINE_TEST_S3_ADDRESS"));
  const storeUrl = `${bucket.url}/store`;
  const variables = bucket.variables();
  const run = async (
    program: string,
    args: readonly string[],
    input?: string,
  ): Promise<string> => {
    const child = execute(program, ["-n", namespace, ...args], {
      maxBuffer: 64 * 2 ** 20,
    });
    child.child.stdin?.end(input);
    return (await child).stdout;
  };
  const kubectl = (...args: readonly string[]) => run("kubectl", args);

  await kubectl("create", "namespace", namespace);
  await kubectl(
    "label",
    "namespace",
    namespace,
    "pod-security.kubernetes.io/enforce=restricted",
  );
  await run(
    "kubectl",
    ["apply", "-f", "-"],
    JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: SECRET },
      stringData: {
        AWS_ACCESS_KEY_ID: variables["AWS_ACCESS_KEY_ID"],
        AWS_SECRET_ACCESS_KEY: variables["AWS_SECRET_ACCESS_KEY"],
      },
    }),
  );
  const values = {
    "image.repository": repository,
    "image.tag": tag,
    "store.url": storeUrl,
    "store.credentialsSecret": SECRET,
    "store.env.AWS_REGION": "us-east-1",
    "store.env.AWS_ENDPOINT_URL_S3": bucket.endpoint,
  };
  const get = async <T>(kind: string, name: string): Promise<T | null> => {
    const args = ["get", kind, name, "-o", "json", "--ignore-not-found"];
    const text = await kubectl(...args);
    return text === "" ? null : (JSON.parse(text) as T);
  };
  const list = async <T>(
    kind: string,
    ...args: readonly string[]
  ): Promise<readonly T[]> => {
    const text = await kubectl("get", kind, "-o", "json", ...args);
    return (JSON.parse(text) as { readonly items: readonly T[] }).items;
  };
  const getRun = async (name: string): Promise<Run> => {
    const found = await get<Run>("run", name);
    if (found === null) throw new Error(`there is no Run '${name}'`);
    return found;
  };
  const ofRun = async (name: string): Promise<string> =>
    `${labels.run}=${(await getRun(name)).metadata.uid ?? ""}`;
  const podsOf = async (name: string): Promise<readonly Pod[]> =>
    list<Pod>("pods", "-l", await ofRun(name));
  const until: TestCluster["until"] = (what, look, timeoutMs = 120_000) =>
    waitFor(what, look, timeoutMs, LOOK_EVERY_MS);
  const store = bucket.openStore("store");
  const keyOf = async (name: string, task: string): Promise<string> => {
    const plan = await until(`the plan of '${name}'`, async () =>
      readPlan(store, storeRunOf(await getRun(name))),
    );
    const found = plan.tasks.find((one) => one.name === task);
    if (found === undefined) throw new Error(`there is no task '${task}'`);
    return found.key;
  };
  const apply = (...objects: readonly object[]): Promise<string> => {
    const items = { apiVersion: "v1", kind: "List", items: objects };
    return run("kubectl", ["apply", "-f", "-"], JSON.stringify(items));
  };
  return {
    namespace,
    bucket,
    storeUrl,
    kubectl,
    get,
    list,
    apply,
    pipe: (text, ...args) => run("kubectl", args, text),
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
            if (["Succeeded", "Failed", "Cancelled"].includes(last.phase))
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
    helm: (...args) => run(helm, args),
    install: (more = {}) =>
      run(helm, [
        "upgrade",
        "--install",
        "hueline",
        path.join(root, "helm/hueline"),
        "--wait",
        "--timeout",
        "180s",
        ...Object.entries<Values[string]>({ ...values, ...more }).flatMap(
          ([name, value]) => [
            typeof value === "string" ? "--set-string" : "--set",
            `${name}=${value}`,
          ],
        ),
      ]),
    hueline: (...args) =>
      hueline([...args, "--namespace", namespace], { folder, variables }),
    async close() {
      await kubectl("delete", "namespace", namespace, "--timeout=60s");
      await bucket.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `registry:5000/name:tag` → name and tag. */
function splitImage(image: string): readonly [string, string] {
  const at = image.lastIndexOf(":");
  return [image.slice(0, at), image.slice(at + 1)];
}
