import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  runFor,
  runNameOf,
} from "../../../src/resources/schedule/run-of-moment.ts";
import { buildSchedule } from "../../support/schedule-world.ts";

const atMs = Date.parse("2026-03-29T22:30:00Z");

describe("the Run of a moment", () => {
  it("is named after both, and owned by the Schedule", () => {
    const schedule = buildSchedule({
      run: {
        metadata: { labels: { team: "vision" }, annotations: { note: "n" } },
        spec: { pipeline: "name: tiny\n", queue: "gpus" },
      },
    });
    expect(runFor(schedule, { atMs, isBackfill: false })).toEqual({
      apiVersion: "hueline.dev/v1alpha1",
      kind: "Run",
      metadata: {
        name: "nightly-202603292230",
        namespace: "team",
        labels: { team: "vision", "hueline.dev/schedule": "nightly" },
        annotations: {
          note: "n",
          "hueline.dev/scheduled-at": "2026-03-29T22:30:00Z",
        },
        ownerReferences: [
          {
            apiVersion: "hueline.dev/v1alpha1",
            kind: "Schedule",
            name: "nightly",
            uid: schedule.metadata.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { pipeline: "name: tiny\n", queue: "gpus" },
    });
  });

  it("knows its moment and its date, the date being that of the time zone", () => {
    const params = {
      until: "${schedule.time}",
      day: "on ${ schedule.date }!",
      other: "${params.x}",
    };
    const schedule = buildSchedule({
      timeZone: "Europe/Zurich",
      run: { spec: { pipeline: "name: tiny\n", params } },
    });
    expect(runFor(schedule, { atMs, isBackfill: false }).spec.params).toEqual({
      until: "2026-03-29T22:30:00Z",
      day: "on 2026-03-30!",
      other: "${params.x}",
    });
  });

  it("of a backfill says so", () => {
    const { metadata } = runFor(buildSchedule(), { atMs, isBackfill: true });
    expect(metadata.annotations?.["hueline.dev/backfill"]).toBe("true");
  });

  it("has a name of at most 52 characters that another Schedule's Run has not", () => {
    const letters = fc.string({
      unit: fc.constantFrom("a", "b", "-"),
      minLength: 30,
      maxLength: 50,
    });
    const label = /^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/;
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const names = [`a${a}a`, `a${b}a`].map((name) => runNameOf(name, atMs));
        for (const name of names) expect(name).toMatch(label);
        return a === b || names[0] !== names[1];
      }),
    );
  });

  it("has two names for an hour that comes twice", () => {
    expect(runNameOf("n", atMs)).not.toBe(runNameOf("n", atMs + 3_600_000));
  });
});
