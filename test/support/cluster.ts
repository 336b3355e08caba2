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
import { createClusterRuns, type ClusterRuns } from "./cluster-runs.ts";
import { hueline, type Ended } from "./hueline.ts";
import { openRealBucket, type RealBucket } from "./real-bucket.ts";

const execute = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
export const SECRET = "store-credentials";

/** Of the chart, by their paths. */
type Values = Readonly<Record<string, string | number | boolean>>;

/** What is in the namespace, by kubectl. */
export type ClusterObjects = {
  kubectl(...args: readonly string[]): Promise<string>;
  /** An object as JSON; null: there is none. */
  get<T>(kind: string, name: string): Promise<T | null>;
  list<T>(kind: string, ...args: readonly string[]): Promise<readonly T[]>;
  apply(...objects: readonly object[]): Promise<string>;
  /** kubectl, with something to read: for `-f -`. */
  pipe(text: string, ...args: readonly string[]): Promise<string>;
};

export type TestCluster = ClusterObjects &
  ClusterRuns & {
    readonly namespace: string;
    readonly bucket: RealBucket;
    /** URL of the store that the installation uses. */
    readonly storeUrl: string;
    helm(...args: readonly string[]): Promise<string>;
    /** `helm upgrade --install --wait`. */
    install(values?: Values): Promise<string>;
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
  const apply = (...objects: readonly object[]): Promise<string> => {
    const items = { apiVersion: "v1", kind: "List", items: objects };
    return run("kubectl", ["apply", "-f", "-"], JSON.stringify(items));
  };
  const objects: ClusterObjects = {
    kubectl,
    get,
    list,
    apply,
    pipe: (text, ...args) => run("kubectl", args, text),
  };
  return {
    ...objects,
    namespace,
    bucket,
    storeUrl,
    ...createClusterRuns(objects, bucket.openStore("store")),
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
      await kubectl(
        "delete",
        "namespace",
        namespace,
        "--timeout=180s",
        "--ignore-not-found",
      );
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
