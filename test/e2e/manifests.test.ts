/** Other people's scanners over everything that is applied to a cluster: whatever they find is explained, or mended. */
import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { accepted } from "../../scripts/manifests/accepted.ts";
import { judgeFindings } from "../../scripts/manifests/findings.ts";
import {
  installScanners,
  type Scanners,
} from "../../scripts/manifests/scanners.ts";
import { scanManifests } from "../../scripts/manifests/scan.ts";
import { userCacheRoot } from "../support/real-bucket.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const root = path.resolve(import.meta.dirname, "../..");

let scanners: Scanners | string = "";
beforeAll(async () => {
  try {
    scanners = await installScanners({ cacheRoot: userCacheRoot() });
  } catch (thrown) {
    if (process.env["CI"] === "true") throw thrown;
    scanners = String(thrown);
  }
}, 1_500_000);

test("nothing that kubeconform, kube-score and checkov find in chart, manifests, Jobs and image is unexplained, and no explanation is stale", async ({
  skip,
}) => {
  if (typeof scanners === "string") return skip(scanners);
  const scratch = await createTemporaryFolder();
  const findings = await scanManifests({ scanners, root, scratch });
  expect(judgeFindings(findings, accepted)).toEqual({
    unexplained: [],
    stale: [],
  });
}, 300_000);

test("what is wrong is found: a field that Kubernetes does not know, one that a Run does not have, a container that may gain rights", async ({
  skip,
}) => {
  if (typeof scanners === "string") return skip(scanners);
  const copy = await createTemporaryFolder();
  for (const folder of ["k8s", "test/golden/chart", "test/golden/job"])
    await cp(path.join(root, folder), path.join(copy, folder), {
      recursive: true,
    });
  await cp(path.join(root, "Dockerfile"), path.join(copy, "Dockerfile"));
  await change(path.join(copy, "k8s/hueline.yaml"), [
    ["revisionHistoryLimit", "revisionHistoryLimits"],
    ["allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"],
  ]);
  await change(path.join(copy, "k8s/samples/run-minimal.yaml"), [
    ["  pipeline: |", "  pipelines: |"],
  ]);
  const scratch = await createTemporaryFolder();
  const findings = await scanManifests({ scanners, root: copy, scratch });
  const { unexplained } = judgeFindings(findings, accepted);
  const lines = unexplained.map(
    ({ rule, object, message }) => `${rule} ${object} ${message}`,
  );
  for (const wanted of [
    /kubeconform 1\.31\.0 statusInvalid Deployment .*revisionHistoryLimits/,
    /kubeconform 1\.31\.0 statusInvalid Run .*pipelines/,
    /checkov CKV_K8S_20 Deployment/,
  ])
    expect(lines).toContainEqual(expect.stringMatching(wanted));
}, 300_000);

async function change(
  file: string,
  changes: readonly (readonly [string, string])[],
): Promise<void> {
  let text = await readFile(file, "utf8");
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  await writeFile(file, text);
}
