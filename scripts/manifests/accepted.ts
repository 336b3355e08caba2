/** What scanners say of the manifests and is as it should be, and why. */
import type { Accepted } from "./findings.ts";

const NO_CPU_LIMIT =
  "what a node has free is used, and a training is never throttled: requests share the processor fairly, and memory is limited";
const PULL_POLICY =
  "`image.pullPolicy` is a value; tags of releases do not move, and `image.digest` pins one whatever its tag. IfNotPresent lets pods start while the registry is away";

export const accepted: readonly Accepted[] = [
  {
    rule: "checkov CKV_K8S_11",
    of: ["Job", "Deployment"],
    reason: NO_CPU_LIMIT,
  },
  {
    rule: "kube-score container-resources",
    of: ["Job", "Deployment"],
    reason: NO_CPU_LIMIT,
  },
  {
    rule: "checkov CKV_K8S_15",
    of: ["Job", "Deployment"],
    reason: PULL_POLICY,
  },
  {
    rule: "kube-score container-image-pull-policy",
    of: ["Job", "Deployment"],
    reason: PULL_POLICY,
  },
  {
    rule: "checkov CKV_K8S_43",
    of: ["Job", "Deployment"],
    reason:
      "`image.digest` of the chart, and `pods.image` of a Run, take a digest; a default cannot know one",
  },
  {
    rule: "checkov CKV_K8S_35",
    of: ["Job", "Deployment"],
    reason:
      "the AWS SDK reads keys from variables; who has an identity of the cloud needs no Secret at all",
  },
  {
    rule: "checkov CKV_K8S_38",
    of: ["Deployment"],
    reason: "the controller talks to the API server; workers have no token",
  },
  {
    rule: "checkov CKV_K8S_40",
    of: ["Job"],
    reason:
      "the image says which user it runs as, 65532; a Run may bring an image with another one, and `runAsNonRoot` refuses root",
  },
  {
    rule: "kube-score container-security-context-user-group-id",
    of: ["Job"],
    reason: "as CKV_K8S_40 of checkov",
  },
  {
    rule: "kube-score container-ephemeral-storage-request-and-limit",
    of: ["Job"],
    reason:
      "the scratch volume has a size, beyond which a pod is evicted; the rest of its disk is read only. A request would keep pods off nodes for the largest scratch that they may need",
  },
  {
    rule: "kube-score deployment-replicas",
    of: ["Deployment"],
    reason:
      "one replica is the default: while it is away Jobs go on, and the next one takes over; `controller.replicas` shares Runs among more",
  },
  {
    rule: "kube-score networkpolicy-targets-pod",
    of: ["NetworkPolicy"],
    reason: "the pods of workers, which the controller makes later",
  },
  {
    rule: "kube-score pod-networkpolicy",
    of: ["Job", "Deployment"],
    reason:
      "a Job is judged without the chart, whose policy selects it. Where the pods may go is not ours to say: to the API server, to DNS, and to a store anywhere",
  },
  {
    rule: "checkov CKV_DOCKER_7",
    of: ["Dockerfile"],
    reason: "a stage of the file, taken for an image without a tag",
  },
  {
    rule: "checkov CKV_DOCKER_2",
    of: ["Dockerfile"],
    reason:
      "Kubernetes has its own probes and ignores this; the same image runs a worker, which listens to nothing",
  },
];
