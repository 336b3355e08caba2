/** Names that hueline's objects carry in a cluster: one place, since selectors and policies rely on them. */

export const GROUP = "hueline.dev";

export const labels = {
  /** On Jobs and pods: the Run's uid; what informers select by. */
  run: `${GROUP}/run-uid`,
  /** The Run's name, for people; cut to 63 characters. */
  runName: `${GROUP}/run`,
  stage: `${GROUP}/stage`,
  /** On pods: `worker`. */
  component: "app.kubernetes.io/component",
  managedBy: "app.kubernetes.io/managed-by",
  /** KEP of Kueue: the LocalQueue that admits a Job. */
  queue: "kueue.x-k8s.io/queue-name",
  workloadPriority: "kueue.x-k8s.io/priority-class",
  schedule: `${GROUP}/schedule`,
} as const;

export const annotations = {
  /** On a Job: SHA-256 of what decides its pods, for people: settings that changed between two attempts show. */
  templateHash: `${GROUP}/template-hash`,
  /** On a Job and its pods: the attempt number that it is for each of its tasks. */
  attempt: `${GROUP}/attempt`,
  /** On a Job of many tasks and its pods: which pack of the run they are, a folder in the store (invariant E). */
  pack: `${GROUP}/pack`,
  /** On a Job of one task and its pods: which. */
  task: `${GROUP}/task`,
  /** On a Run, by people: `true` cancels it. */
  cancel: `${GROUP}/cancel`,
  /** On a Run, by people: `*` or task names, each `NAME@RFC3339`, separated by commas: failures before that count no more. */
  retry: `${GROUP}/retry`,
  /** On a Run of a Schedule: the moment that it stands for, RFC 3339. */
  scheduledAt: `${GROUP}/scheduled-at`,
  /** On a Run of a Schedule: `true` where its moment was made up for by a backfill. */
  backfill: `${GROUP}/backfill`,
} as const;
