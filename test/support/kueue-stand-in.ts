/**
 * What Kueue does to Jobs, by its documented protocol, where Kueue cannot be had: Jobs with a queue's name are suspended
 * when they are created (its webhook; here a policy of the API server); each has a Workload that says how far it is; it is
 * admitted by `suspend: false` and evicted by `suspend: true`. When, is said by the test.
 *
 * Kueue's documentation: "Run a Kubernetes Job", "Workload", "Preemption".
 */
import type { Job } from "../../src/executor/jobs/job.ts";
import { labels } from "../../src/resources/labels.ts";
import type { TestCluster } from "./cluster.ts";

const GROUP = "kueue.x-k8s.io";
const CRD = `workloads.${GROUP}`;
const queueLabel = labels.queue;

type KueueCondition = {
  readonly type: "QuotaReserved" | "Admitted" | "Evicted";
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
};

export type KueueStandIn = {
  /** The next Job of a Run once it is there, suspended, with a Workload that waits for `message`. */
  takeNext(run: string, message: string): Promise<Job>;
  admit(job: Job): Promise<void>;
  evict(job: Job, message: string): Promise<void>;
  close(): Promise<void>;
};

/** Before the controller starts, which looks once whether there is a Kueue. */
export async function startKueueStandIn(
  cluster: TestCluster,
): Promise<KueueStandIn> {
  const policy = `kueue-${cluster.namespace}`;
  await cluster.apply(workloadCrd, ...suspendPolicy(policy, cluster.namespace));
  await cluster.kubectl("wait", "--for=condition=Established", `crd/${CRD}`);
  const taken = new Set<string>();
  const setSuspend = (job: Job, suspend: boolean) =>
    cluster.kubectl(
      ...(["patch", "job", job.metadata.name, "--type=merge"] as const),
      ...(["--field-manager=kueue", "-p"] as const),
      JSON.stringify({ spec: { suspend } }),
    );
  const say = (job: Job, ...conditions: readonly KueueCondition[]) => {
    const lastTransitionTime = new Date().toISOString();
    const status = {
      conditions: conditions.map((one) => ({ ...one, lastTransitionTime })),
    };
    return cluster.kubectl(
      ...(["patch", "workload", job.metadata.name, "--type=merge"] as const),
      ...(["--subresource=status", "-p", JSON.stringify({ status })] as const),
    );
  };
  return {
    async takeNext(run, message) {
      const job = await cluster.until("another Job", async () => {
        const jobs = await cluster.jobsOf(run);
        return jobs.find(({ metadata }) => !taken.has(metadata.name)) ?? null;
      });
      taken.add(job.metadata.name);
      await cluster.apply(workloadOf(job));
      await say(job, waiting(message));
      return job;
    },
    async admit(job) {
      await say(
        job,
        { ...reserved, type: "QuotaReserved" },
        { ...reserved, type: "Admitted" },
      );
      await setSuspend(job, false);
    },
    async evict(job, message) {
      await say(job, waiting(message), {
        type: "Evicted",
        status: "True",
        reason: "Preempted",
        message,
      });
      await setSuspend(job, true);
    },
    async close() {
      await cluster.kubectl("delete", "mutatingadmissionpolicybinding", policy);
      await cluster.kubectl("delete", "mutatingadmissionpolicy", policy);
      await cluster.kubectl("delete", "crd", CRD);
    },
  };
}

const reserved = { status: "True", reason: "Admitted", message: "" } as const;

function waiting(message: string): KueueCondition {
  return { type: "QuotaReserved", status: "False", reason: "Pending", message };
}

function workloadOf({ metadata }: Job) {
  const { name, uid = "", labels: own = {} } = metadata;
  return {
    apiVersion: `${GROUP}/v1beta1`,
    kind: "Workload",
    metadata: {
      name,
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true },
      ],
    },
    spec: { queueName: own[queueLabel] },
  };
}

function suspendPolicy(name: string, namespace: string): readonly object[] {
  const apiVersion = "admissionregistration.k8s.io/v1";
  return [
    {
      apiVersion,
      kind: "MutatingAdmissionPolicy",
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        reinvocationPolicy: "Never",
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["batch"],
              apiVersions: ["v1"],
              operations: ["CREATE"],
              resources: ["jobs"],
            },
          ],
        },
        matchConditions: [
          {
            name: "queued",
            expression: `has(object.metadata.labels) && '${queueLabel}' in object.metadata.labels`,
          },
        ],
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: {
              expression: "Object{spec: Object.spec{suspend: true}}",
            },
          },
        ],
      },
    },
    {
      apiVersion,
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name },
      spec: {
        policyName: name,
        matchResources: {
          namespaceSelector: {
            matchLabels: { "kubernetes.io/metadata.name": namespace },
          },
        },
      },
    },
  ];
}

const workloadCrd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: CRD },
  spec: {
    group: GROUP,
    names: { kind: "Workload", plural: "workloads", singular: "workload" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            "x-kubernetes-preserve-unknown-fields": true,
          },
        },
      },
    ],
  },
};
