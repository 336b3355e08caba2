/**
 * Creating a Job so that it is there once, and what a refusal means. Names are deterministic: "already exists" is success
 * if it is this Run's. What a quota refuses is waited for; what can never be created ends its tasks, with the server's
 * words; a right that the controller lacks ends the turn, since nothing else will work either.
 */
import { UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { annotations } from "../../resources/labels.ts";
import { isQuotaExceeded, KubeRefusal } from "../../kube/refusal.ts";
import type { Job } from "../jobs/job.ts";

export type Creation =
  | { readonly kind: "created"; readonly job: Job }
  /** To be tried again: why, in one line. */
  | { readonly kind: "blocked"; readonly reason: string }
  /** Never to be created like this. */
  | { readonly kind: "refused"; readonly reason: string };

/** Throws `kube.forbidden` (UserError) and whatever a server throws that does not answer. */
export async function createJob(kube: Kube, job: Job): Promise<Creation> {
  try {
    return { kind: "created", job: await kube.create(resources.job, job) };
  } catch (thrown) {
    if (!(thrown instanceof KubeRefusal)) throw thrown;
    if (thrown.reason === "AlreadyExists") return await adopt(kube, job);
    return judge(thrown, job);
  }
}

async function adopt(kube: Kube, job: Job): Promise<Creation> {
  const { name, namespace = "" } = job.metadata;
  const found = await kube.get<Job>(resources.job, { name, namespace });
  if (found === null || found.metadata.deletionTimestamp !== undefined)
    return {
      kind: "blocked",
      reason: `waits until the Job '${name}' before it is removed`,
    };
  const owner = job.metadata.ownerReferences?.[0]?.uid;
  const isOurs = found.metadata.ownerReferences?.some(
    ({ uid }) => uid === owner,
  );
  if (isOurs && isSameWork(found, job)) return { kind: "created", job: found };
  // Names have 32 bits of a digest: another attempt has another name.
  const whose = isOurs ? "does other work" : "is not this Run's";
  return {
    kind: "refused",
    reason: `a Job '${name}' that ${whose} is in namespace '${namespace}'; remove it, and retry`,
  };
}

function isSameWork(a: Job, b: Job): boolean {
  const { task, pack, attempt } = annotations;
  return [task, pack, attempt].every(
    (name) => a.metadata.annotations?.[name] === b.metadata.annotations?.[name],
  );
}

function judge(refusal: KubeRefusal, job: Job): Creation {
  const { status, message, causes } = refusal;
  const isQuota: boolean = isQuotaExceeded(refusal);
  if (isQuota) return { kind: "blocked", reason: message };
  if (status === 403 && message.includes("being terminated"))
    return { kind: "blocked", reason: message };
  if (status === 403 && message.includes("cannot create resource"))
    throw new UserError({
      code: "kube.forbidden",
      message: `the controller may not create Jobs in namespace '${job.metadata.namespace ?? ""}': ${message}`,
      hint: "give its service account the Role that the installation ships (verbs get, list, watch, create, patch, delete on jobs)",
      cause: refusal,
    });
  if ([400, 403, 422].includes(status))
    return {
      kind: "refused",
      reason: `the cluster refuses its Job: ${[message, ...causes].join("; ")}`,
    };
  throw refusal;
}
