/** The pods of a Run, and which task each works on: their annotations say, for packs with the help of the store. */
import { jobKeys, workerOf, type Pod } from "../../executor/jobs/job.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { annotations, labels } from "../../resources/labels.ts";
import type { Run } from "../../resources/run-resource.ts";
import { readPackTasks } from "../../store/runs/run-packs.ts";
import type { RunStore } from "../open-run.ts";

/** What selects them. */
export function selectPodsOf(kube: Kube, { metadata }: Run) {
  return {
    namespace: kube.namespace,
    labelSelector: `${labels.run}=${metadata.uid ?? ""}`,
  };
}

export async function listPods(kube: Kube, run: Run): Promise<readonly Pod[]> {
  const selected = selectPodsOf(kube, run);
  const { items } = await kube.list<Pod>(resources.pod, selected);
  return items;
}

/** Whether its worker can have said anything. */
export function hasStarted(pod: Pod): boolean {
  const state = workerOf(pod)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}

/** It is there, and its worker has not ended. */
export function isRunning({ status }: Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

export function stageOf({ metadata }: Pod): string {
  return metadata.labels?.[labels.stage] ?? "";
}

export type TaskNames = {
  of(pod: Pod): Promise<string>;
};

/** @param store null: it cannot be read, and tasks of packs have names that only tell them apart. */
export function createTaskNames(store: RunStore | null): TaskNames {
  const packs = new Map<string, readonly string[] | null>();
  const readPack = async (pack: string): Promise<readonly string[] | null> => {
    const known = packs.get(pack);
    if (known !== undefined || store === null) return known ?? null;
    const names = await readPackTasks(store.store, { run: store.run, pack });
    packs.set(pack, names);
    return names;
  };
  return {
    async of({ metadata }) {
      const notes = metadata.annotations ?? {};
      const { [annotations.task]: task, [annotations.pack]: pack } = notes;
      if (task !== undefined) return task;
      if (pack === undefined) return metadata.name;
      const index = Number(
        metadata.labels?.[jobKeys.index] ?? notes[jobKeys.index] ?? 0,
      );
      return (await readPack(pack))?.[index] ?? `${pack}[${index}]`;
    },
  };
}

/** Oldest first. */
export function byCreation(a: Pod, b: Pod): number {
  const [atA = "", atB = ""] = [
    a.metadata.creationTimestamp,
    b.metadata.creationTimestamp,
  ];
  if (atA !== atB) return atA < atB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
