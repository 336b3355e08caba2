import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runSpecSchema } from "../../src/resources/run-schema.ts";
import type { Run } from "../../src/resources/run-resource.ts";
import type { Schedule } from "../../src/resources/schedule-resource.ts";
import { scheduleSpecSchema } from "../../src/resources/schedule-schema.ts";
import { nextMoment } from "../../src/resources/schedule/moments.ts";
import { findUnknownWords } from "../../src/resources/schedule/run-of-moment.ts";
import { parsePipeline } from "../../src/spec/parse.ts";
import { readManifests } from "../support/manifests-of.ts";

const folder = path.resolve(import.meta.dirname, "../../k8s/samples");
const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
const samples = await Promise.all(
  names.map(async (name) => ({
    name,
    objects: await readManifests(`k8s/samples/${name}`),
  })),
);
const runs = samples.flatMap(({ objects }) =>
  objects.filter(({ kind }) => kind === "Run").map((run) => run as Run),
);
const schedules = samples.flatMap(({ objects }) =>
  objects
    .filter(({ kind }) => kind === "Schedule")
    .map((schedule) => schedule as Schedule),
);

describe("the samples", () => {
  it("are Runs, Schedules, queues and a policy", () => {
    expect(runs).toHaveLength(4);
    expect(schedules).toHaveLength(2);
  });

  it.each(runs)("has a Run that is as the schema says", ({ spec }) => {
    expect(runSpecSchema.safeParse(spec).error).toBeUndefined();
  });

  it.each(schedules)(
    "has a Schedule that is as the schema says",
    ({ spec }) => {
      expect(scheduleSpecSchema.safeParse(spec).error).toBeUndefined();
      expect(findUnknownWords(spec)).toEqual([]);
      expect(nextMoment(spec, Date.UTC(2026, 0))).not.toBeNull();
    },
  );

  const specs = [
    ...runs.map(({ spec }) => spec),
    ...schedules.map(({ spec }) => spec.run.spec),
  ];
  it.each(specs)(
    "has a pipeline without mistakes",
    ({ pipeline = "", params = {} }) => {
      const overrides = new Map(Object.entries(params));
      expect(parsePipeline(pipeline, { overrides })).toMatchObject({
        ok: true,
      });
    },
  );

  it("hold no Secret: they name what people create", () => {
    const kinds = samples.flatMap(({ objects }) =>
      objects.map(({ kind }) => kind),
    );
    expect(kinds).not.toContain("Secret");
  });
});
