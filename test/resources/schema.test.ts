import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createCrds } from "../../src/resources/crd/create-crds.ts";
import { toStructural } from "../../src/resources/crd/to-structural.ts";
import type { RunResourceStatus } from "../../src/resources/run-resource.ts";
import type { RunSpec } from "../../src/resources/run-resource.ts";
import {
  type runSchema,
  runSpecSchema,
} from "../../src/resources/run-schema.ts";
import type {
  ScheduleSpec,
  ScheduleStatus,
} from "../../src/resources/schedule-resource.ts";
import type { scheduleSchema } from "../../src/resources/schedule-schema.ts";
import type { SameType } from "../support/same-type.ts";

type Node = { readonly [keyword: string]: unknown };

/** Every schema of a CRD with its path. */
function walk(schema: Node, at = ""): [string, Node][] {
  const below: [string, Node][] = [];
  for (const [name, inner] of Object.entries(
    (schema["properties"] as Record<string, Node> | undefined) ?? {},
  ))
    below.push(...walk(inner, `${at}.${name}`));
  for (const keyword of ["items", "additionalProperties"])
    if (schema[keyword] !== undefined)
      below.push(...walk(schema[keyword] as Node, `${at}.${keyword}`));
  return [[at, schema], ...below];
}

function schemaOf(plural: "runs" | "schedules"): Node {
  const crd = createCrds()[plural] as {
    spec: { versions: { schema: { openAPIV3Schema: Node } }[] };
  };
  return crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
}

describe("the schemas of Run and Schedule", () => {
  it("have the types that the resources are written in: else this does not compile", () => {
    type Run = z.output<typeof runSchema>;
    type Schedule = z.output<typeof scheduleSchema>;
    const same: readonly true[] = [
      true satisfies SameType<Run["spec"], RunSpec>,
      true satisfies SameType<NonNullable<Run["status"]>, RunResourceStatus>,
      true satisfies SameType<Schedule["spec"], ScheduleSpec>,
      true satisfies SameType<NonNullable<Schedule["status"]>, ScheduleStatus>,
    ];
    expect(same).toHaveLength(4);
  });

  it("know no key that is not declared", () => {
    const typo = { pipeline: "name: x", paralelism: 3 };
    expect(runSpecSchema.safeParse(typo).success).toBe(false);
    expect(runSpecSchema.safeParse({ pipeline: "name: x" }).success).toBe(true);
  });
});

describe.each(["runs", "schedules"] as const)("the CRD of %s", (plural) => {
  const nodes = walk(schemaOf(plural)).filter(
    ([at]) => !/^\.(apiVersion|kind|metadata)\b/.test(at),
  );

  it("describes every field", () => {
    const bare = nodes
      .filter(([, { description }]) => typeof description !== "string")
      .map(([at]) => at)
      .filter((at) => !/\.(items|additionalProperties)$/.test(at));
    expect(bare).toEqual([]);
  });

  it("bounds every text, list and map, so that rules have a cost", () => {
    const unbounded = nodes
      .filter(
        ([, node]) =>
          (node["type"] === "string" &&
            node["maxLength"] === undefined &&
            node["enum"] === undefined &&
            node["format"] === undefined) ||
          (node["type"] === "array" && node["maxItems"] === undefined) ||
          (node["additionalProperties"] !== undefined &&
            node["maxProperties"] === undefined),
      )
      .map(([at]) => at);
    expect(unbounded).toEqual([]);
  });

  it("says of every list how server-side apply merges it", () => {
    const lists = nodes.filter(([, { type }]) => type === "array");
    expect(lists.length).toBeGreaterThan(0);
    for (const [at, node] of lists)
      expect(node["x-kubernetes-list-type"], at).toBeTypeOf("string");
  });

  it("has patterns that the server's regular expressions know", () => {
    for (const [at, { pattern }] of nodes)
      expect(JSON.stringify(pattern ?? ""), at).not.toMatch(
        /\(\?[=!<]|\\\\[1-9pP]/,
      );
  });
});

describe("the rules of a Run", () => {
  const spec = (schemaOf("runs")["properties"] as Record<string, Node>)["spec"];
  const rules = (spec?.["x-kubernetes-validations"] ?? []) as {
    readonly rule: string;
    readonly fieldPath?: string;
  }[];
  const frozen = rules
    .filter(({ rule }) => rule.includes("oldSelf"))
    .map(({ fieldPath }) => fieldPath?.slice(1));

  it("freeze every field but those that may be changed", () => {
    const all = Object.keys(spec?.["properties"] as object);
    expect(all.filter((field) => !frozen.includes(field)).sort()).toEqual([
      "budget",
      "parallelism",
      "priority",
      "suspend",
      "ttlSecondsAfterFinished",
    ]);
  });

  it("freeze nothing in the template of a Schedule", () => {
    expect(JSON.stringify(createCrds().schedules)).not.toContain("oldSelf");
  });
});

describe("a structural schema", () => {
  it.each([
    ["alternatives", z.union([z.string(), z.int()])],
    ["rules for keys", z.record(z.string().regex(/^a/), z.string())],
    ["anything", z.object({ any: z.unknown() })],
    ["a default", z.object({ n: z.int().default(3) })],
  ])("cannot say %s, and says so", (_, schema) => {
    expect(() => toStructural(schema)).toThrow(/a CRD cannot say|no type/);
  });

  it("has no bound that nobody set, and keeps those that somebody did", () => {
    expect(toStructural(z.int())).toEqual({ type: "integer", format: "int64" });
    expect(toStructural(z.int().min(0).max(5))).toMatchObject({
      minimum: 0,
      maximum: 5,
    });
  });
});
