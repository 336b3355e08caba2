/** From `store.env` of the chart, by way of the controller's own variables, to the Job of a worker. */
import { test } from "vitest";
import { toSettings } from "../../src/controller/service/to-settings.ts";
import { toJob } from "../../src/executor/jobs/to-job.ts";
import type { KubeObject } from "../../src/kube/kube.ts";
import { buildRun, storeRun } from "../support/cluster-world.ts";
import { renderObjects } from "../support/chart.ts";
import { expectGolden } from "../support/golden.ts";

type Deployment = KubeObject & {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          { readonly env: readonly { name: string; value?: string }[] },
        ];
      };
    };
  };
};

const values = {
  "store.url": "s3://bucket/prefix",
  "store.credentialsSecret": "store-credentials",
  "store.env.AWS_REGION": "eu-central-1",
  "store.env.AWS_ENDPOINT_URL_S3": "https://s3.example.com",
  "store.env.AWS_RETRY_MODE": "standard",
  "store.env.AWS_CA_BUNDLE": "/etc/ssl/own.pem",
  "store.env.HTTPS_PROXY": "http://proxy.example.com:3128",
};

test("every variable of store.env reaches the workers, and nothing else of the controller's does", async () => {
  const objects = await renderObjects<Deployment>(values);
  const deployment = objects.find(({ kind }) => kind === "Deployment");
  const [container] = deployment?.spec.template.spec.containers ?? [];
  const env = Object.fromEntries(
    (container?.env ?? []).map(({ name, value }) => [name, value]),
  );
  const { pods, storeUrl } = toSettings(
    {
      storeUrl: env["HUELINE_STORE"] ?? "",
      leases: true,
      identity: "pod",
      image: env["HUELINE_IMAGE"] ?? "",
      workers: 1,
      metricsPort: null,
      metricsHost: "",
      limits: [],
      workerServiceAccount: env["HUELINE_WORKER_SERVICE_ACCOUNT"],
      workerCredentialsSecret: env["HUELINE_WORKER_CREDENTIALS_SECRET"],
      workerEnv: env["HUELINE_WORKER_ENV"],
    },
    {
      ownNamespace: "lab",
      // What `envFrom` adds: it reaches workers by the name of the Secret, never as a value.
      env: { ...env, AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" },
    },
  );
  const job = toJob(
    {
      run: buildRun(),
      storeRun,
      settings: { ...pods, storeUrl },
      work: {
        stage: "score",
        attempt: 1,
        tasks: ["score"],
        pack: null,
        resources: { cpu: 1, memoryBytes: 2 ** 30, gpu: 0 },
        timeoutMs: null,
        graceSeconds: 30,
      },
    },
    1,
  );
  await expectGolden(
    "job/variables-of-the-installation.json",
    `${JSON.stringify(job, null, 2)}\n`,
  );
});
