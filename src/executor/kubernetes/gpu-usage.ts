/**
 * GPU-seconds of a Run, from the times that its pods ran. What a driver before this one has counted up to a moment is
 * handed in; of pods that ran then, only what came after counts here. A pod that vanishes is counted up to its last sight.
 */
import { timeOf, workerOf, type Pod } from "../jobs/job.ts";

export type GpuUsed = {
  readonly gpuSeconds: number;
  /** Up to when. */
  readonly atMs: number;
};

export type GpuUsage = {
  note(pod: Pod, gpus: number, nowMs: number): void;
  total(nowMs: number): GpuUsed;
};

export function createGpuUsage(before: GpuUsed | null): GpuUsage {
  const seconds = new Map<string, number>();
  const fromMs = before?.atMs ?? 0;
  return {
    note(pod, gpus, nowMs) {
      const { running, terminated } = workerOf(pod)?.state ?? {};
      const started = running?.startedAt ?? terminated?.startedAt;
      if (gpus === 0 || started === undefined) return;
      const startMs = Math.max(fromMs, timeOf(started, nowMs));
      const endMs = timeOf(terminated?.finishedAt, nowMs);
      const used = (Math.max(0, endMs - startMs) / 1000) * gpus;
      seconds.set(pod.metadata.uid ?? "", used);
    },
    total(nowMs) {
      let gpuSeconds = before?.gpuSeconds ?? 0;
      for (const used of seconds.values()) gpuSeconds += used;
      return { gpuSeconds, atMs: nowMs };
    },
  };
}
