/**
 * Runs a pipeline with its store in a folder, and again with its store in a bucket of a real S3 server, and compares
 * every artifact: metrics, and the SHA-256 of every file, read back.
 *
 *   node bench/same-bytes.ts [--pipeline pipelines/tiny.yaml] [--faults]
 *
 * With `--faults` the bucket is behind a network that refuses, cuts, damages or loses one in twelve requests. Prints a
 * JSON line per run and a summary; exits with 1 if a byte differs. The server is installed by Go on first use.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { createFileStore } from "../src/store/fs.ts";
import { hueline } from "../test/support/hueline.ts";
import { openRealBucket } from "../test/support/real-bucket.ts";
import { startFaultProxy } from "../test/support/s3-server/fault-proxy.ts";
import { createRandomFaults } from "../test/support/s3-server/faults.ts";
import { fingerprintStore } from "../test/support/store-bytes.ts";

const { values } = parseArgs({
  options: {
    pipeline: { type: "string", default: "pipelines/tiny.yaml" },
    faults: { type: "boolean", default: false },
  },
});
const pipeline = path.resolve(values.pipeline);
const folder = await mkdtemp(path.join(tmpdir(), "hueline-bytes-"));
const bucket = await openRealBucket(folder);
const proxy = await startFaultProxy(bucket.endpoint);
if (values.faults)
  proxy.setFaults(createRandomFaults({ seed: 1, rate: 1 / 12, slowMs: null }));

async function run(name: string, store: string): Promise<void> {
  const startMs = performance.now();
  const { code, stderr } = await hueline(["run", pipeline, "--store", store], {
    folder,
    variables: bucket.variables(proxy.endpoint),
  });
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
  const seconds = (performance.now() - startMs) / 1000;
  console.log(JSON.stringify({ store: name, seconds: seconds.toFixed(1) }));
}

try {
  const directory = path.join(folder, "folder");
  await run("folder", directory);
  await run("bucket", `${bucket.url}/study`);
  const wanted = await fingerprintStore(createFileStore({ directory }));
  const found = await fingerprintStore(bucket.openStore("study"));
  const keys = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  const different = [...keys].filter(
    (key) => JSON.stringify(wanted[key]) !== JSON.stringify(found[key]),
  );
  const faults = Object.fromEntries(proxy.faults);
  console.log(JSON.stringify({ artifacts: keys.size, different, faults }));
  process.exitCode = different.length === 0 && keys.size > 0 ? 0 : 1;
} finally {
  await proxy.close();
  await bucket.close();
  await rm(folder, { recursive: true, force: true });
}
