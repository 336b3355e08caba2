/**
 * Runs the scanners over what people apply: the chart as it renders for different wishes, `k8s/`, the Jobs that the controller
 * makes, the Dockerfile. Each of them is asked for everything that it knows; `accepted.ts` says what is as it should be.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { writeKubernetesSchemas, writeRunSchemas } from "./schemas.ts";
import type { Finding } from "./findings.ts";
import type { Scanners } from "./scanners.ts";

/** The oldest version that the chart says it runs on, and the newest whose schemas there are. */
const KUBERNETES = ["1.31.0", "1.37.0"];

/** Kinds of other projects, which publish no schema that could be had here. */
const FOREIGN = [
  "ServiceMonitor",
  "ResourceFlavor",
  "ClusterQueue",
  "LocalQueue",
  "WorkloadPriorityClass",
];

const folders = [
  "test/golden/chart",
  "test/golden/job",
  "k8s",
  "k8s/crds",
  "k8s/samples",
];

type Scan = {
  readonly scanners: Scanners;
  /** Of the checkout. */
  readonly root: string;
  /** Empty: what is scanned is collected there. */
  readonly scratch: string;
};

/** Everything that is found, sorted. */
export async function scanManifests(scan: Scan): Promise<readonly Finding[]> {
  const files = await collect(scan);
  const found = [
    ...(await runKubeconform(scan, files)),
    ...(await runKubeScore(scan, files)),
    ...(await runCheckov(scan)),
  ];
  const lines = new Map(
    found.map((finding) => [Object.values(finding).join(), finding]),
  );
  return [...lines]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}

/** Copies with names that say where each is from. */
async function collect({ root, scratch }: Scan): Promise<readonly string[]> {
  const manifests = path.join(scratch, "manifests");
  await mkdir(manifests, { recursive: true });
  const files: string[] = [];
  for (const folder of folders)
    for (const name of await readdir(path.join(root, folder))) {
      if (!/\.(?:yaml|json)$/.test(name) || name === "kustomization.yaml")
        continue;
      const file = path.join(
        manifests,
        `${folder.replaceAll("/", "-")}-${name}`,
      );
      await copyFile(path.join(root, folder, name), file);
      files.push(file);
    }
  await copyFile(
    path.join(root, "Dockerfile"),
    path.join(scratch, "Dockerfile"),
  );
  return files;
}

type KubeconformOutput = {
  readonly resources?: readonly {
    readonly filename: string;
    readonly kind: string;
    readonly name: string;
    readonly status: string;
    readonly msg: string;
  }[];
};

async function runKubeconform(
  { scanners, root, scratch }: Scan,
  files: readonly string[],
): Promise<readonly Finding[]> {
  const own = path.join(scratch, "schemas");
  await writeRunSchemas({ crds: path.join(root, "k8s/crds"), folder: own });
  const place = "{{.ResourceKind}}{{.KindSuffix}}.json";
  const found: Finding[] = [];
  for (const version of KUBERNETES) {
    const folder = path.join(scratch, "schemas", version);
    await writeKubernetesSchemas({ ...scanners, version, folder });
    const words = [
      "-strict",
      "-output=json",
      `-kubernetes-version=${version}`,
      `-skip=${FOREIGN.join()}`,
      `-schema-location=${folder}/${place}`,
      `-schema-location=${own}/${place}`,
    ];
    const { stdout } = await run(scanners.kubeconform, [...words, ...files]);
    const { resources = [] } = JSON.parse(stdout) as KubeconformOutput;
    for (const { filename, kind, name, status, msg } of resources)
      found.push({
        rule: `kubeconform ${version} ${status}`,
        object: `${kind} ${name}`,
        message: `${path.basename(filename)}: ${msg}`,
      });
  }
  return found;
}

type KubeScoreOutput = readonly {
  readonly object_name: string;
  readonly checks: readonly {
    readonly check: { readonly id: string };
    /** 10: nothing to say. */
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly summary: string }[] | null;
  }[];
}[];

async function runKubeScore(
  { scanners }: Scan,
  files: readonly string[],
): Promise<readonly Finding[]> {
  const words = ["score", "--output-format=json", ...files];
  const { stdout } = await run(scanners.kubeScore, words);
  return (JSON.parse(stdout) as KubeScoreOutput).flatMap(
    ({ object_name: object, checks }) =>
      checks
        .filter(({ grade, skipped }) => grade < 10 && !skipped)
        .flatMap(({ check, comments }) =>
          (comments ?? []).map(({ summary }) => ({
            rule: `kube-score ${check.id}`,
            // `Deployment/apps/v1/lab/study-hueline-controller`
            object: `${object.split("/", 1)[0]} ${object.split("/").at(-1)}`,
            message: summary,
          })),
        ),
  );
}

type CheckovOutput = {
  readonly results?: {
    readonly failed_checks: readonly {
      readonly check_id: string;
      readonly check_name: string;
      readonly resource: string;
      readonly file_path: string;
    }[];
  };
};

async function runCheckov({
  scanners,
  scratch,
}: Scan): Promise<readonly Finding[]> {
  const form = ["--output=json", "--compact", "--quiet", "--skip-download"];
  const { stdout } = await run(scanners.checkov, [
    ...form,
    `--directory=${scratch}`,
    "--framework",
    "kubernetes",
    "dockerfile",
  ]);
  const output = JSON.parse(stdout) as CheckovOutput | readonly CheckovOutput[];
  return [output].flat().flatMap((report) =>
    (report.results?.failed_checks ?? []).map((failed) => ({
      rule: `checkov ${failed.check_id}`,
      // `Job.team.study-score-a198238b`
      object: failed.file_path.endsWith("/Dockerfile")
        ? "Dockerfile"
        : `${failed.resource.split(".", 1)[0]} ${failed.resource.split(".").at(-1)}`,
      message: failed.check_name,
    })),
  );
}

/** A scanner that found something says so with its exit code as well; one that said nothing has failed. */
async function run(
  program: string,
  words: readonly string[],
): Promise<{ readonly stdout: string }> {
  try {
    return await promisify(execFile)(program, words, { maxBuffer: 2 ** 28 });
  } catch (thrown) {
    const { stdout = "" } = thrown as { readonly stdout?: string };
    if (stdout.trim() === "") throw thrown;
    return { stdout };
  }
}
