import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { RunStatus } from "../../../src/run/status.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { createRun, writeStatus } from "../../../src/store/runs/run-records.ts";
import { buildStatus, openClusterCli } from "../../support/cluster-cli.ts";
import { commitArtifact } from "../../support/manifests.ts";
import { buildPlan, keyOf } from "../../support/plans.ts";
import { waitFor } from "../../support/wait-for.ts";

const STORE_RUN = "tiny-0a1b2c3d";
const receipt = { digest: "x", tasks: 1, cached: 0, shared: 0, peakGpus: 0 };

async function openRunWithResults() {
  const cli = await openClusterCli();
  const directory = path.join(cli.folder, "store");
  const store = createFileStore({ directory });
  const plan = buildPlan({ score: { kind: "evaluate" } }, "tiny");
  const place = { store: pathToFileURL(directory).href, storeRun: STORE_RUN };
  return {
    ...cli,
    planned: buildStatus({ ...place, plan: receipt, phase: "Succeeded" }),
    async finish() {
      await createRun(store, { run: STORE_RUN, pipelineText: "", plan });
      const file = new TextEncoder().encode("{}\n");
      await commitArtifact(
        store,
        { key: keyOf("score") },
        { "metrics.jsonl": file },
      );
      const status = {
        phase: "Succeeded",
        reason: "",
        counts: {
          total: 1,
          cached: 0,
          Pending: 0,
          Running: 0,
          Succeeded: 1,
          Failed: 0,
          Skipped: 0,
          Cancelled: 0,
        },
        stages: [],
        notes: [],
      } as RunStatus;
      await writeStatus(store, { run: STORE_RUN, status, clock: systemClock });
    },
  };
}

test("pull copies what a Run of the cluster has in its store", async () => {
  const { hueline, put, planned, finish, folder } = await openRunWithResults();
  put({ status: planned });
  await finish();
  const { exitCode, stdout } = await hueline([
    "pull",
    "tiny",
    "out",
    "--cluster",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("checksums verified");
  const file = path.join(folder, "out", "score", "metrics.jsonl");
  expect(await readFile(file, "utf8")).toBe("{}\n");
});

test("report reads the store of the Run too", async () => {
  const { hueline, put, planned, finish } = await openRunWithResults();
  put({ status: planned });
  await finish();
  const { stderr } = await hueline(["report", "tiny", "--cluster"]);
  expect(stderr).toContain("no stage of kind report");
});

test("a Run without a plan has nothing to pull, and says what it waits for", async () => {
  const { hueline, put } = await openClusterCli();
  put({
    status: {
      ...buildStatus({
        phase: "Planning",
        reason: "the pipeline is being planned",
      }),
    },
  });
  const { exitCode, stderr } = await hueline(["pull", "tiny", "--cluster"]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("run.unplanned");
  expect(stderr).toContain("the pipeline is being planned");
});

test("pull --wait waits for the plan, and then for the results", async () => {
  const { start, put, setStatus, planned, finish, server } =
    await openRunWithResults();
  put();
  const pulling = start(["pull", "tiny", "out", "--cluster", "--wait"]);
  await waitFor("a watch", () => server.watches.open > 0 || null);
  await finish();
  setStatus("tiny", planned);
  expect(await pulling.ended).toBe(0);
  expect(pulling.stdout()).toContain("1 copied");
});

test("a store that has no such run is told with why that may be", async () => {
  const { hueline, put, planned } = await openRunWithResults();
  put({ status: planned });
  const { exitCode, stderr } = await hueline(["pull", "tiny", "--cluster"]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain(STORE_RUN);
  expect(stderr).toContain("a folder of the pods' machines");
});
