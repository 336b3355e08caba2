/**
 * `npm run test:cluster`: the cluster tests, against a real Kubernetes.
 *
 *   npm run test:cluster [-- FILTER...]         in a lab that it starts and removes: see `cluster/lab.ts`
 *   npm run test:cluster -- --quick             rights, resources, and a small pipeline from chart to report: some minutes
 *   npm run test:cluster -- --keep              leaves the lab, and says how to use and how to end it
 *   KUBECONFIG=F HUELINE_TEST_IMAGE=I HUELINE_TEST_S3_ADDRESS=A npm run test:cluster -- --cluster
 *                                               in any cluster that has the image; A: an address of this machine that its
 *                                               pods reach
 *
 * Tests run inside the lab's network, which nothing else reaches. Prints the path of a summary for `npm run verify` where
 * one is asked for with `--summary FILE`. Exits with 0 without a test where no cluster can be had, saying why.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  cacheRootOf,
  engineDirectory,
  toEnginePlatform,
} from "../src/engine/location.ts";
import { installHelm } from "./cluster/helm.ts";
import { buildImage, buildPauseImage } from "./cluster/image.ts";
import { installLab, startLab, whyNoLab } from "./cluster/lab.ts";
import { installVersitygw } from "./s3-server/versitygw.ts";

const root = path.resolve(import.meta.dirname, "..");
const image = "localhost/hueline:test";
/** The lab's node, as its pods reach it. */
const LAB_ADDRESS = "10.87.0.1";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: "boolean", default: false },
    cluster: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    summary: { type: "string" },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The pipeline of minutes is left out. */
const quick = [
  "test/cluster/access",
  "test/cluster/resource",
  "test/cluster/pipelines",
  "--testNamePattern=^(?!tiny )",
];

const vitest = [
  process.execPath,
  path.join(root, "node_modules/vitest/vitest.mjs"),
  "run",
  "--project=cluster*",
  ...(values.quick ? quick : positionals),
  ...(values.summary === undefined
    ? []
    : [
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${values.summary}`,
      ]),
];

async function testInLab(programs: Readonly<Record<string, string>>) {
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const cache = path.join(cacheRoot, "hueline", "cluster");
  const kubernetes = await installLab();
  say("building the image");
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null) throw new Error("there is no engine for this machine");
  const engine = engineDirectory({ cacheRoot, platform, variant: "cpu" });
  const archive = await buildImage({
    root,
    engine,
    name: image,
    folder: cache,
  });
  say("starting a cluster");
  // Short: paths of unix sockets have a limit.
  const folder = await mkdtemp(path.join(tmpdir(), "hl-"));
  const lab = await startLab({
    folder,
    programs: kubernetes,
    tars: [await buildPauseImage(cache), archive],
    network: path.basename(folder),
    kind: "node",
  });
  try {
    const environment = {
      ...programs,
      HUELINE_TEST_IMAGE: image,
      HUELINE_TEST_S3_ADDRESS: LAB_ADDRESS,
    };
    return await lab.run(vitest, environment);
  } finally {
    if (values.keep) {
      const exports = Object.entries({ ...lab.environment, ...programs });
      for (const [name, value] of exports) say(`export ${name}='${value}'`);
      say(
        `$LAB_SH run kubectl get pods -A      and at the end: $LAB_SH down; rm -r ${folder}`,
      );
    } else {
      await lab.down();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function testInCluster(programs: Readonly<Record<string, string>>) {
  const [program = "", ...words] = vitest;
  const child = spawn(program, words, {
    stdio: "inherit",
    env: { ...process.env, ...programs },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

const why = values.cluster ? null : await whyNoLab();
if (why !== null) {
  say(`cluster tests skipped: ${why}`);
} else {
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const programs = {
    HUELINE_TEST_HELM: await installHelm({ cacheRoot }),
    HUELINE_TEST_S3_SERVER: await installVersitygw({ cacheRoot }),
  };
  process.exitCode = values.cluster
    ? await testInCluster(programs)
    : await testInLab(programs);
}
