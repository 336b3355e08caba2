/**
 * Work → the Job that does it. Pure; golden files show it. Every Job is Indexed, owned by its Run, and replaces a pod only
 * when the one before has ended (KEP-3939): never two pods on one checkpoint.
 *
 * `suspend` is never written: with a queue it belongs to Kueue, and a Run is suspended by removing its Jobs. The time to
 * live is set later, when the tasks' manifests are in the store or their failures are written down (F).
 */
import { createHash } from "node:crypto";
import { annotations, labels } from "../../resources/labels.ts";
import { createFailurePolicy } from "./failure-policy.ts";
import { jobName } from "./job-name.ts";
import type { Job } from "./job.ts";
import {
  createPodTemplate,
  podLabels,
  workAnnotations,
  type TemplateInput,
} from "./pod-template.ts";

/** @param parallelism pods at once; with a queue, all. */
export function toJob(input: TemplateInput, parallelism: number): Job {
  const { run, work } = input;
  const { name, namespace = "", uid = "" } = run.metadata;
  const spec = {
    completionMode: "Indexed",
    completions: work.tasks.length,
    ...createFailurePolicy(),
    podReplacementPolicy: "Failed",
    template: createPodTemplate(input),
  } as const;
  const hash = createHash("sha256").update(JSON.stringify(spec)).digest("hex");
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName({ ...work, run: name, runUid: uid }),
      namespace,
      labels: { ...podLabels(run, work.stage), ...queueLabels(input) },
      annotations: {
        ...workAnnotations(work),
        [annotations.templateHash]: hash,
      },
      ownerReferences: [
        {
          apiVersion: run.apiVersion,
          kind: run.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { ...spec, parallelism },
  };
}

function queueLabels({ run: { spec } }: TemplateInput) {
  const { queue, priority } = spec;
  if (queue === undefined) return {};
  return {
    [labels.queue]: queue,
    ...(priority === undefined ? {} : { [labels.workloadPriority]: priority }),
  };
}
