/** How cells combine: tables of small stages, with the cells that must come out. */
import { describe, expect, it } from "vitest";
import { expandStage, type StageCell } from "../../src/spec/cells.ts";
import type { Cell, StageSpec } from "../../src/spec/pipeline-spec.ts";

function stageOf(sketch: Partial<StageSpec>): StageSpec {
  return {
    name: "stage",
    kind: "finetune",
    inputs: {},
    variants: [{ cell: {}, params: {} }],
    exclude: [],
    seeds: null,
    seed: null,
    resources: { cpu: 1, memoryBytes: 1, gpu: 0 },
    checkpoint: null,
    timeoutMs: null,
    ...sketch,
  };
}

function cellsOf(name: string, ...cells: readonly Cell[]): StageCell[] {
  return cells.map((cell) => ({
    stage: stageOf({ name }),
    cell,
    params: {},
    seed: null,
    inputs: {},
  }));
}

function from(...names: readonly string[]) {
  return {
    sources: names.map((stage) => ({ stage, where: {} })),
    isAxis: names.length > 1,
  };
}

function expand(
  stage: Partial<StageSpec>,
  upstream: Readonly<Record<string, readonly Cell[]>>,
) {
  const known = Object.entries(upstream).map(
    ([name, cells]) => [name, cellsOf(name, ...cells)] as const,
  );
  return expandStage(stageOf(stage), new Map(known));
}

function wantCells(result: ReturnType<typeof expand>, want: readonly Cell[]) {
  expect(result.ok ? result.cells.map(({ cell }) => cell) : result).toEqual(
    want,
  );
}

describe("the cells of a stage", () => {
  it("cross axes of different names", () => {
    wantCells(
      expand(
        { inputs: { weights: from("a"), data: from("b") } },
        { a: [{ x: 1 }, { x: 2 }], b: [{ y: 1 }, { y: 2 }] },
      ),
      [
        { x: 1, y: 1 },
        { x: 1, y: 2 },
        { x: 2, y: 1 },
        { x: 2, y: 2 },
      ],
    );
  });

  it("join axes of the same name, never cross them", () => {
    wantCells(
      expand(
        { inputs: { weights: from("a"), data: from("b") } },
        {
          a: [
            { seed: 1, x: 1 },
            { seed: 2, x: 1 },
          ],
          b: [{ seed: 2 }, { seed: 3 }],
        },
      ),
      [{ seed: 2, x: 1 }],
    );
  });

  it("join their own matrix and seeds with inherited axes", () => {
    wantCells(
      expand(
        {
          inputs: { weights: from("a") },
          variants: [{ cell: { x: 1 }, params: {} }],
          seeds: [1, 3],
        },
        { a: [{ x: 1, seed: 1 }, { x: 2, seed: 1 }, { x: 1 }] },
      ),
      [
        { x: 1, seed: 1 },
        { x: 1, seed: 1 },
        { x: 1, seed: 3 },
      ],
    );
  });

  it("have an axis for a list of stages, each with the axes of its own", () => {
    wantCells(
      expand(
        { inputs: { weights: from("a", "b") } },
        { a: [{ x: 1 }, { x: 2 }], b: [{}] },
      ),
      [{ weights: "a", x: 1 }, { weights: "a", x: 2 }, { weights: "b" }],
    );
  });

  it("lose what exclude names on any axis, inherited ones too", () => {
    wantCells(
      expand(
        {
          inputs: { weights: from("a") },
          seeds: [1, 2],
          exclude: [{ x: [1, 2], seed: 2 }],
        },
        { a: [{ x: 1 }, { x: 3 }] },
      ),
      [
        { x: 1, seed: 1 },
        { x: 3, seed: 1 },
        { x: 3, seed: 2 },
      ],
    );
  });

  it("are one cell that reads all for an input of arity all", () => {
    const result = expand(
      { kind: "report", inputs: { results: from("a", "b") } },
      { a: [{ x: 1 }, { x: 2 }], b: [{}] },
    );

    wantCells(result, [{}]);
    expect(result.ok && result.cells[0]?.inputs["results"]).toHaveLength(3);
  });

  it("are refused if a list would make an axis that is there already", () => {
    expect(
      expand(
        { inputs: { weights: from("a", "b") } },
        { a: [{ weights: "c" }], b: [{}] },
      ),
    ).toEqual({
      ok: false,
      problem: { kind: "axis-taken", input: "weights", source: 0 },
    });
  });

  it("are counted before they are made, also where cells differ in their axes", () => {
    const many = Array.from({ length: 2000 }, (_, x) => ({ x }));
    const mixed = Array.from({ length: 2000 }, (_, y) =>
      y % 2 === 0 ? { y } : { z: y },
    );

    expect(
      expand(
        { inputs: { weights: from("a"), data: from("b") } },
        { a: many, b: mixed },
      ),
    ).toMatchObject({
      ok: false,
      problem: { kind: "too-large", factors: [2000, 2000], total: 4_000_000 },
    });
  });
});
