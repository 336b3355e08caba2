/** What Jobs look like: each case is a file in `test/golden/job`. */
import { describe, expect, it } from "vitest";
import type { Run, RunSpec } from "../../../src/resources/run-resource.ts";
import type { JobWork } from "../../../src/executor/jobs/job-work.ts";
import {
  standardPods,
  type PodSettings,
} from "../../../src/executor/jobs/pod-template.ts";
import { toJob } from "../../../src/executor/jobs/to-job.ts";
import { buildRun, storeRun } from "../../support/cluster-world.ts";
import { expectGolden } from "../../support/golden.ts";

const GiB = 2 ** 30;
const settings: PodSettings = {
  ...standardPods,
  image: "registry.example/hueline:1.0.0",
  storeUrl: "s3://lab/hueline",
};
const training: JobWork = {
  stage: "pretrain",
  attempt: 1,
  tasks: ["pretrain-hypercolumn-seed-0"],
  pack: null,
  resources: { cpu: 8, memoryBytes: 48 * GiB, gpu: 1 },
  timeoutMs: null,
  graceSeconds: 120,
};
const scores: JobWork = {
  stage: "score",
  attempt: 1,
  tasks: ["score-a", "score-b", "score-c"],
  pack: "score-0123456789abcdef",
  resources: { cpu: 0.5, memoryBytes: GiB / 2, gpu: 0 },
  timeoutMs: 1_800_000,
  graceSeconds: 30,
};
const jobOf = (
  work: JobWork,
  spec: Partial<RunSpec> = {},
  more: {
    run?: Run;
    settings?: Partial<PodSettings>;
    parallelism?: number;
  } = {},
) =>
  toJob(
    {
      run: more.run ?? buildRun(spec),
      storeRun,
      settings: { ...settings, ...more.settings },
      work,
    },
    more.parallelism ?? work.tasks.length,
  );

describe("a Job", () => {
  it.each([
    ["training", jobOf(training, { priority: "paper-deadline" })],
    [
      "training-with-gpus-of-another-kind",
      jobOf(
        { ...training, resources: { ...training.resources, gpu: 2 } },
        {
          pods: {
            gpuResource: "example.com/gpu",
            nodeSelector: { pool: "gpu" },
            tolerations: [
              { key: "gpu", operator: "Exists", effect: "NoSchedule" },
            ],
          },
        },
      ),
    ],
    [
      "training-with-raised-memory",
      jobOf({
        ...training,
        attempt: 2,
        resources: { ...training.resources, memoryBytes: 96 * GiB },
      }),
    ],
    ["pack-with-a-time-limit", jobOf(scores, {}, { parallelism: 2 })],
    [
      "queue",
      jobOf(training, { queue: "team-gpus", priority: "paper-deadline" }),
    ],
    [
      "secret-and-variables",
      jobOf(scores, {
        pods: {
          credentialsSecret: "s3-credentials",
          imagePullSecrets: ["registry"],
          env: { AWS_ENDPOINT_URL_S3: "http://10.0.0.1:7070", HOME: "/root" },
        },
      }),
    ],
    [
      "web-identity",
      jobOf(scores, {
        pods: { serviceAccountName: "hueline-worker", scratch: "20Gi" },
      }),
    ],
    [
      "spread",
      jobOf(scores, { pods: { spreadOver: "topology.kubernetes.io/zone" } }),
    ],
  ] as const)("%s", async (name, job) => {
    await expectGolden(`job/${name}.json`, `${JSON.stringify(job, null, 2)}\n`);
  });

  it("has the same name for the same work, and another one for another attempt, Run or task", () => {
    const again = jobOf(training).metadata.name;
    const stranger = {
      ...buildRun(),
      metadata: { ...buildRun().metadata, uid: "other" },
    };
    const names = [
      jobOf(training),
      jobOf({ ...training, attempt: 2 }),
      jobOf({ ...training, tasks: ["pretrain-hypercolumn-seed-1"] }),
      jobOf(training, {}, { run: stranger }),
    ].map(({ metadata }) => metadata.name);
    expect(names[0]).toBe(again);
    expect(new Set(names).size).toBe(4);
  });

  it("leaves room in its name for those of pods, however long the Run's is", () => {
    const { metadata } = buildRun();
    const run = {
      ...buildRun(),
      metadata: { ...metadata, name: "a.".repeat(40) + "z" },
    };
    const { name } = jobOf(
      { ...training, stage: `s${"-x".repeat(31)}` },
      {},
      { run },
    ).metadata;
    expect(`${name}-99999-abcde`).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(`${name}-99999-abcde`.length).toBeLessThanOrEqual(63);
  });

  it("cannot be sent to another store by a Run's variables", () => {
    const text = JSON.stringify(
      jobOf(training, { pods: { env: { HUELINE_STORE: "s3://elsewhere" } } }),
    );
    expect(text).not.toContain("elsewhere");
  });

  it("has the installation's variables beside the Run's", () => {
    const text = JSON.stringify(
      jobOf(
        training,
        { pods: { env: { AWS_REGION: "eu" } } },
        { settings: { env: { AWS_ENDPOINT_URL_S3: "http://s3" } } },
      ),
    );
    expect(text).toContain("AWS_REGION");
    expect(text).toContain("AWS_ENDPOINT_URL_S3");
  });
});
