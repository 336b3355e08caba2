import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareParallelism } from "../../../src/executor/jobs/share-parallelism.ts";

const sharer = (
  name: string,
  left: number,
  active: number,
  parallelism: number,
) => ({
  name,
  left,
  active,
  parallelism,
});

describe("sharing a Run's parallelism", () => {
  it("gives the oldest all they can use, and lets the others wait", () => {
    const jobs = [
      sharer("a", 3, 0, 0),
      sharer("b", 5, 0, 0),
      sharer("c", 1, 0, 0),
    ];
    expect([...shareParallelism(jobs, 4)]).toEqual([
      ["b", 1],
      ["a", 3],
    ]);
  });

  it("never takes a place from who runs, unless there are too many in all", () => {
    const jobs = [sharer("old", 5, 1, 1), sharer("young", 3, 3, 3)];
    expect([...shareParallelism(jobs, 4)]).toEqual([]);
    expect([...shareParallelism(jobs, 2)]).toEqual([["young", 1]]);
  });

  it("gives all to all where nothing is limited, and asks for no change that changes nothing", () => {
    const jobs = [
      sharer("a", 3, 0, 1),
      sharer("b", 2, 2, 7),
      sharer("done", 0, 0, 0),
    ];
    expect([...shareParallelism(jobs, null)]).toEqual([["a", 3]]);
  });

  it("keeps the limit, uses all of it, and takes before it gives", () => {
    const jobs = fc.array(
      fc.record({ left: fc.nat(9), active: fc.nat(9), parallelism: fc.nat(9) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(jobs, fc.nat(20), (raw, limit) => {
        const all = raw.map((job, i) => ({
          ...job,
          active: Math.min(job.active, job.left),
          name: `${i}`,
        }));
        const changes = shareParallelism(all, limit);
        const shareOf = (job: (typeof all)[number]) =>
          changes.get(job.name) ?? Math.min(job.parallelism, job.left);
        const sum = all.reduce((total, job) => total + shareOf(job), 0);
        const wanted = all.reduce((total, { left }) => total + left, 0);
        expect(sum).toBe(Math.min(limit, wanted));
        const steps = [...changes].map(([name, share]) => {
          const job = all[Number(name)];
          return share - Math.min(job?.parallelism ?? 0, job?.left ?? 0);
        });
        expect(steps).toEqual(steps.toSorted((a, b) => a - b));
      }),
    );
  });
});
