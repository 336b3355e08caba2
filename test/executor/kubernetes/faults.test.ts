/**
 * The cluster loses things at random: Jobs and pods are deleted, finished Jobs go by their time to live, informers are late,
 * drivers die, two drive at once. Every task must end committed, once, and none may be lost (A, B, F, H).
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { resources } from "../../../src/kube/kube.ts";
import { openClusterWorld } from "../../support/cluster-world.ts";
import type { PodScript } from "../../support/fake-kubelet.ts";
import { buildPlan } from "../../support/plans.ts";

const plan = buildPlan({
  photos: {},
  "train-a": { kind: "pretrain", inputs: ["photos"], stage: "train" },
  "train-b": { kind: "pretrain", inputs: ["photos"], stage: "train" },
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [
      `score-${i}`,
      {
        kind: "evaluate" as const,
        stage: "score",
        inputs: [i % 2 === 0 ? "train-a" : "train-b"],
      },
    ]),
  ),
});

const ends: readonly PodScript[] = [
  { kind: "succeed" },
  { kind: "exit", code: 143 },
  { kind: "exit", code: 75 },
  { kind: "exit", code: 137 },
  { kind: "exit", code: 143, disruption: "PreemptionByScheduler" },
  { kind: "run" },
];
const fault = fc.constantFrom(
  "nothing",
  "nothing",
  "late",
  "delete-job",
  "delete-pod",
  "expire-jobs",
  "restart",
  "second-driver",
);

it(
  "loses no task and computes none twice, whatever vanishes",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fault, fc.nat(100)), { maxLength: 25 }),
        fc.array(fc.nat(ends.length - 1), { minLength: 40, maxLength: 40 }),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        async (faults, scripts, parallelism) => {
          let pods = 0;
          const left = new Map([
            [75, 5],
            [137, 3],
          ]);
          // Of the first pods, some end badly or hang, to be deleted by a fault or by the end of the faults; fewer than
          // the retry rules allow one task.
          const script = (): PodScript => {
            const choice = scripts[pods++ % scripts.length] ?? 0;
            const does = (pods <= 12 ? ends[choice] : null) ?? {
              kind: "succeed",
            };
            if (does.kind !== "exit") return does;
            const more = left.get(does.code) ?? 1;
            if (left.has(does.code)) left.set(does.code, more - 1);
            return more > 0 ? does : { kind: "succeed" };
          };
          const world = await openClusterWorld({
            plan,
            script,
            spec: parallelism === undefined ? {} : { parallelism },
          });
          for (const [kind, pick] of faults) {
            if (kind !== "late") world.sync();
            if (kind === "restart") await world.restart();
            if (kind === "second-driver") {
              const first = world.drive();
              await world.restart();
              await Promise.all([first, world.drive()]);
            }
            await world.drive();
            await world.kubelet.round();
            const jobs = world.jobs();
            const job = jobs[pick % Math.max(1, jobs.length)];
            if (kind === "delete-job" && job)
              world.server.remove(resources.job, job.metadata.name);
            const all = world.pods();
            const pod = all[pick % Math.max(1, all.length)];
            if (kind === "delete-pod" && pod)
              world.server.remove(resources.pod, pod.metadata.name);
            if (kind === "expire-jobs")
              for (const { metadata, spec, status } of jobs)
                if (spec.ttlSecondsAfterFinished && status?.conditions?.length)
                  world.server.remove(resources.job, metadata.name);
            world.clock.advance(5000);
          }
          for (let i = 0; i < 150; i++) {
            // What hangs is deleted by somebody who is impatient.
            for (const { metadata, status } of world.pods())
              if (i % 5 === 4 && status?.phase === "Running")
                world.server.remove(resources.pod, metadata.name);
            const { status } = await world.round(60);
            expect(status.counts.Failed).toBe(0);
            if (status.phase === "Succeeded") break;
          }
          const committed = world.kubelet.commits.filter(
            (name) => !name.endsWith("(again)"),
          );
          expect([...committed].sort()).toEqual(
            plan.tasks.map(({ name }) => name).sort(),
          );
          const { status } = await world.round();
          expect(status.phase).toBe("Succeeded");
        },
      ),
      { numRuns: 40 },
    );
  },
);
