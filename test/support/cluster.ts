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
import { chart } from "./chart.ts";
import { createClusterRuns, type ClusterRuns } from "./cluster-runs.ts";
import { hueline, type Ended } from "./hueline.ts";
import { openRealBucket, type RealBucket } from "./real-bucket.ts";

const execute = promisify(execFile);
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

/** A namespace with the credentials of the store in it, and the Runs there. */
export type Place = ClusterObjects &
  ClusterRuns & { readonly namespace: string };

export type TestCluster = ClusterObjects &
  ClusterRuns & {
    readonly namespace: string;
    /** One more, with the same Secret; it goes with the others. */
    addNamespace(): Promise<Place>;
    readonly bucket: RealBucket;
    /** URL of the store that the installation uses. */
    readonly storeUrl: string;
    helm(...args: readonly string[]): Promise<string>;
    /** `helm upgrade --install --wait`, of the chart in `helm/` or of a package. */
    install(values?: Values, chart?: string): Promise<string>;
    /** The command line, with this namespace and with the credentials of the store. */
    hueline(...args: readonly string[]): Promise<Ended>;
    close(): Promise<void>;
  };

async function run(
  program: string,
  namespace: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const child = execute(program, ["-n", namespace, ...args], {
    maxBuffer: 64 * 2 ** 20,
  });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

/** A new namespace, as strict as they are, with the credentials of the bucket. */
async function openPlace(
  namespace: string,
  bucket: RealBucket,
): Promise<Place> {
  const kubectl = (...args: readonly string[]) =>
    run("kubectl", namespace, args);
  const pipe = (text: string, ...args: readonly string[]) =>
    run("kubectl", namespace, args, text);
  const apply = (...items: readonly object[]): Promise<string> => {
    const list = { apiVersion: "v1", kind: "List", items };
    return pipe(JSON.stringify(list), "apply", "-f", "-");
  };
  const objects: ClusterObjects = {
    kubectl,
    pipe,
    apply,
    async get<T>(kind: string, name: string) {
      const args = ["get", kind, name, "-o", "json", "--ignore-not-found"];
      const text = await kubectl(...args);
      return text === "" ? null : (JSON.parse(text) as T);
    },
    async list<T>(kind: string, ...args: readonly string[]) {
      const text = await kubectl("get", kind, "-o", "json", ...args);
      return (JSON.parse(text) as { readonly items: readonly T[] }).items;
    },
  };
  await kubectl("create", "namespace", namespace);
  const strict = "pod-security.kubernetes.io/enforce=restricted";
  await kubectl("label", "namespace", namespace, strict);
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = bucket.variables();
  await apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: SECRET },
    stringData: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  });
  const runs = createClusterRuns(objects, bucket.openStore("store"));
  return { ...objects, ...runs, namespace };
}

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
  const places: Place[] = [];
  const add = async (name: string): Promise<Place> => {
    const place = await openPlace(name, bucket);
    places.push(place);
    return place;
  };
  const own = await add(namespace);
  const values = {
    "image.repository": repository,
    "image.tag": tag,
    "store.url": storeUrl,
    "store.credentialsSecret": SECRET,
    "store.env.AWS_REGION": "us-east-1",
    "store.env.AWS_ENDPOINT_URL_S3": bucket.endpoint,
  };
  return {
    ...own,
    bucket,
    storeUrl,
    addNamespace: () => add(`${namespace}-${places.length}`),
    helm: (...args) => run(helm, namespace, args),
    install: (more = {}, of = chart) =>
      run(helm, namespace, [
        "upgrade",
        "--install",
        "hueline",
        of,
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
      for (const { kubectl, namespace: name } of places.toReversed())
        await kubectl(
          "delete",
          "namespace",
          name,
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
