/** What only a server can say of the resources: that it takes what is computed, and what people see with kubectl. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noControl } from "../../src/run/observation.ts";
import { toRunEvents } from "../../src/resources/run-events.ts";
import type { Run, RunSpec } from "../../src/resources/run-resource.ts";
import { toRunStatus } from "../../src/resources/run-status.ts";
import type {
  Schedule,
  ScheduleSpec,
} from "../../src/resources/schedule-resource.ts";
import { dueMoments } from "../../src/resources/schedule/due-moments.ts";
import { runFor } from "../../src/resources/schedule/run-of-moment.ts";
import { toScheduleStatus } from "../../src/resources/schedule/to-schedule-status.ts";
import {
  asWritten,
  installCrds,
  openKubectl,
  type Kubectl,
} from "../support/kubectl.ts";
import { readManifests } from "../support/manifests-of.ts";
import { buildRun } from "../support/run-objects.ts";
import { buildSchedule } from "../support/schedule-world.ts";
import { waitFor } from "../support/wait-for.ts";

const root = path.resolve(import.meta.dirname, "../..");
const dryRun = "--dry-run=server";

describe("the CRDs on a server", () => {
  let kubectl: Kubectl;

  beforeAll(async () => {
    kubectl = await openKubectl();
    await installCrds(kubectl);
  });
  afterAll(() => kubectl.close());

  const run = (spec: Partial<RunSpec>, name = "tiny") =>
    asWritten(buildRun({ name, spec }));
  const schedule = (spec: Partial<ScheduleSpec>, name = "nightly") =>
    asWritten(buildSchedule(spec, { name }));

  test("every sample is taken, but for those of kinds that are not there", async () => {
    const names = await readdir(path.join(root, "k8s/samples"));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names.filter((file) => !file.startsWith("kueue"))) {
      for (const object of await readManifests(`k8s/samples/${name}`)) {
        const file = JSON.stringify(object);
        const args = ["create", dryRun, "-f", "-"];
        expect(await kubectl.send(file, ...args), name).toContain("created");
      }
    }
  });

  test("a Schedule may be changed, and its Runs are taken", async () => {
    await kubectl.apply(schedule({}, "changing"));
    const run = { spec: { pipeline: "name: other\n" } };
    await kubectl.apply(schedule({ run }, "changing"));
    const text = await kubectl.run("get", "schedule", "changing", "-o", "json");
    const made = runFor(JSON.parse(text) as Schedule, {
      atMs: Date.UTC(2026, 0),
      isBackfill: true,
    });
    expect(await kubectl.apply(made)).toContain(
      "changing-202601010000 created",
    );
  });

  test("statuses and Events are taken as they are computed, and shown in columns", async () => {
    await kubectl.apply(run({}, "shown"));
    const text = await kubectl.run("get", "run", "shown", "-o", "json");
    const object = JSON.parse(text) as Run;
    const nowMs = Date.now();
    const status = toRunStatus({
      generation: 1,
      nowMs,
      previous: undefined,
      control: noControl,
      seen: {
        phase: "Running",
        reason: "3 of 8 tasks done, 1 running",
        counts: {
          Pending: 4,
          Running: 1,
          Succeeded: 3,
          Failed: 0,
          Skipped: 0,
          Cancelled: 0,
          total: 8,
          cached: 2,
        },
        stages: [],
        notes: [
          { task: "x", phase: "Running", reason: "", attempts: 1 },
          { task: "y", phase: "Pending", reason: "no GPU", attempts: 1 },
        ],
      },
      planProblem: null,
      receipt: { digest: "d", tasks: 8, cached: 2, shared: 0, peakGpus: 1 },
      gpuHours: 1.25,
      store: { url: "s3://bucket/prefix", run: "shown-0a1b2c3d" },
      hindrances: [{ reason: "QuotaExceeded", message: "wait" }],
    });
    await kubectl.apply(
      { ...asWritten(object), status },
      "--server-side",
      "--subresource=status",
    );
    const table = await kubectl.run("get", "hrun", "shown");
    expect(table).toMatch(
      /NAME +PHASE +DONE +FAILED +CACHED +GPU-H +QUEUE +REASON +AGE/,
    );
    expect(table).toMatch(
      /shown +Running +3\/8 +0 +2 +1.3 +3 of 8 tasks done, 1 running; 'y' waits: no GPU/,
    );
    const events = toRunEvents(object, {
      before: undefined,
      after: status,
      nowMs,
    });
    expect(events.length).toBeGreaterThan(1);
    for (const event of events)
      expect(await kubectl.apply(event)).toContain("created");
    const described = await kubectl.run("describe", "run", "shown");
    expect(described).toMatch(/Warning +QuotaExceeded .*wait/);
  });

  test("a Schedule's status is taken as it is computed", async () => {
    await kubectl.apply(schedule({}, "told"));
    const text = await kubectl.run("get", "schedule", "told", "-o", "json");
    const seen = JSON.parse(text) as Schedule;
    const nowMs = Date.now() + 2 * 3_600_000;
    const due = dueMoments({ schedule: seen, runs: [], nowMs });
    expect(due.start).toHaveLength(1);
    const status = toScheduleStatus({ schedule: seen, runs: [], due, nowMs });
    await kubectl.apply(
      { ...asWritten(seen), status },
      "--server-side",
      "--subresource=status",
    );
    expect(await kubectl.run("get", "hsched", "told")).toMatch(
      /LAST +NEXT +LAST RESULT +AGE/,
    );
  });

  test("the policy of the samples narrows a namespace that has its label", async () => {
    const { namespace } = kubectl;
    // A policy is the whole cluster's: under its own name it would be in the way of who tries the sample meanwhile.
    const policy = (await readManifests("k8s/samples/policy-runs.yaml")).map(
      (object) =>
        JSON.parse(
          JSON.stringify(object).replaceAll(
            '"hueline-runs"',
            `"hueline-runs-${namespace}"`,
          ),
        ) as typeof object,
    );
    await kubectl.run(
      "label",
      "namespace",
      namespace,
      "hueline.dev/policy=narrow",
    );
    try {
      for (const object of policy) await kubectl.apply(object);
      const attempt = (spec: Partial<RunSpec>) =>
        kubectl
          .apply(run(spec, "narrow"), dryRun)
          .catch((thrown: unknown) => String(thrown));
      const image = { pods: { image: "example.com/other:1" } };
      // The server takes a moment to know a policy.
      await waitFor("a refusal", async () => {
        const said = await attempt(image);
        return said.includes("pods.image must be of") ? said : null;
      });
      const inside = { pipeline: "name: x\n", store: "s3://other/place" };
      expect(
        await kubectl.refusal(
          kubectl.apply(schedule({ run: { spec: inside } }, "narrow"), dryRun),
        ),
      ).toContain("store must be below");
      expect(
        await attempt({ pods: { serviceAccountName: "admin" } }),
      ).toContain("serviceAccountName must be");
      expect(await attempt({ store: "s3://experiments/x" })).toContain(
        "created",
      );
    } finally {
      for (const { kind, metadata } of policy)
        await kubectl.run("delete", kind, metadata.name);
    }
  });

  test("kubectl explains what a field is for", async () => {
    expect(
      await kubectl.run("explain", "run.spec.pods.lostAfterSeconds"),
    ).toContain("does not answer");
    expect(
      await kubectl.run("explain", "schedule.spec.concurrencyPolicy"),
    ).toContain("Forbid: the new one waits");
  });
});
