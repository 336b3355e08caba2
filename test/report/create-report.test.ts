import { describe, expect, it } from "vitest";
import { UserError } from "../../src/base/errors.ts";
import { createReport } from "../../src/report/create-report.ts";
import type { ReportInputs } from "../../src/report/create-report.ts";
import {
  parseReport,
  renderJson,
  type Sample,
} from "../../src/report/value.ts";
import { reportParams } from "../../src/spec/params/params-report.ts";
import {
  createExampleInputs,
  exampleParams,
} from "../support/report-example.ts";

const example = createExampleInputs();
const where = { stage: "score" };
const arm = { of: { weights: "pretrain" }, minus: { weights: "scratch" } };
const better = {
  name: "better",
  text: "Colorization is better.",
  metric: "accuracy",
  scale: 100,
  pass: { mean: { above: 0 } },
};

function withParams(params: object): ReportInputs {
  return { ...example, params: reportParams.parse({ title: "t", ...params }) };
}

function thrownBy(make: () => unknown): UserError {
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown;
    throw thrown;
  }
  throw new Error("expected a UserError, nothing was thrown");
}

describe("the report of the tiny study", () => {
  const report = createReport(example);

  it("has a row per arm, a column per label budget and a value per seed", () => {
    const [table] = report.tables;
    expect(table?.rows).toEqual(["colorization", "random"]);
    expect(table?.columns).toEqual(["10", "50"]);
    const cell = table?.cells[0]?.[1];
    expect(cell?.n).toBe(3);
    expect(cell?.mean).toBeCloseTo(43.333, 3);
    expect(cell?.values.map(({ at }) => at)).toEqual(["5", "6", "7"]);
  });

  it("judges claims on differences paired by seed", () => {
    const [fifty, ten] = report.claims;
    const differences = fifty?.sample?.values.map(({ value }) => value) ?? [];
    [7.8, 8.3, 7.9].forEach((want, index) =>
      expect(differences[index]).toBeCloseTo(want, 9),
    );
    expect(fifty?.verdict).toBe("holds");
    expect(ten?.verdict).toBe("holds");
    expect(fifty?.arms.map(({ label }) => label)).toEqual([
      "colorization",
      "random",
    ]);
  });

  it("leaves nothing out, and says so by an empty list", () => {
    expect(report.leftOut).toEqual([]);
  });

  it("survives its own JSON", () => {
    expect(parseReport(renderJson(report), "report.json")).toEqual(report);
  });

  it("is the same value whatever the order of object keys in its cells", () => {
    const turned = example.results.map(({ cell, ...row }) => ({
      ...row,
      cell: Object.fromEntries(Object.entries(cell).toReversed()),
    }));
    const again = createReport({ ...example, results: turned });
    expect(again.tables).toEqual(report.tables);
    expect(again.claims).toEqual(report.claims);
  });
});

describe("a claim with a formula", () => {
  const arms = {
    few: { weights: "pretrain", labels: 10 },
    fewRandom: { weights: "scratch", labels: 10 },
    many: { weights: "pretrain", labels: 50 },
    manyRandom: { weights: "scratch", labels: 50 },
  };
  const formulaClaim = (params: object, results = example.results) => {
    const [claim] = createReport({
      ...withParams({ claims: [{ ...better, where, arms, ...params }] }),
      results,
    }).claims;
    if (!claim) throw new Error("no claim was made");
    return claim;
  };
  const valuesOf = ({ sample }: { sample: Sample | null }) =>
    sample?.values.map(({ value }) => value) ?? [];

  it("is a difference of differences, seed by seed", () => {
    const claim = formulaClaim({
      value: "(many - manyRandom) - (few - fewRandom)",
    });
    // In percent: (43.2 − 35.4) − (36.1 − 29.1), and so on.
    [0.8, 3.9, -0.5].forEach((want, index) =>
      expect(valuesOf(claim)[index]).toBeCloseTo(want, 9),
    );
    expect(claim.paired).toBe(true);
    expect(claim.arms.map(({ name }) => name)).toEqual(Object.keys(arms));
    expect(claim.because).toContain("+1.4, 95 % interval");
  });

  it("is a difference of ratios, whatever the scale of the arms", () => {
    const value = "few / fewRandom - many / manyRandom";
    const claim = formulaClaim({ value, digits: 3 });
    const unscaled = formulaClaim({ value, digits: 3, scale: 1 });
    [
      361 / 291 - 432 / 354,
      342 / 298 - 431 / 348,
      341 / 257 - 437 / 358,
    ].forEach((want, index) => {
      expect(valuesOf(claim)[index]).toBeCloseTo(want, 12);
      expect(valuesOf(unscaled)[index]).toBeCloseTo(want, 12);
    });
  });

  it("gives what `of` and `minus` give, where it says the same", () => {
    const { few, fewRandom } = arms;
    const short = formulaClaim({
      arms: undefined,
      of: few,
      minus: fewRandom,
    });
    const long = formulaClaim({
      arms: { few, fewRandom },
      value: "few - fewRandom",
    });
    expect(long.sample).toEqual(short.sample);
    expect(long.criteria).toEqual(short.criteria);
    expect(long.verdict).toBe(short.verdict);
  });

  it("is undecided where an arm lacks a seed, which it names", () => {
    const results = example.results.filter(
      ({ cell }) => !(cell["labels"] === 10 && cell["seed"] === 6),
    );
    const claim = formulaClaim(
      { value: "few / fewRandom / many / manyRandom" },
      results,
    );
    expect(claim.verdict).toBe("undecided");
    expect(claim.missing).toEqual(["without a partner: seed 6"]);
    expect(claim.sample?.values.map(({ at }) => at)).toEqual(["5", "7"]);
  });

  it("has no value where it divides by nought, and says where", () => {
    const results = example.results.map((row) =>
      row.cell["weights"] === "scratch" && row.cell["seed"] === 7
        ? { ...row, metrics: { ...row.metrics, accuracy: 0 } }
        : row,
    );
    const claim = formulaClaim(
      {
        arms: { few: arms.few, fewRandom: arms.fewRandom },
        value: "few / fewRandom",
      },
      results,
    );
    expect(claim.paired).toBe(false);
    expect(claim.verdict).toBe("undecided");
    expect(claim.missing).toEqual(["divided by nought: seed 7"]);
  });
});

describe("what was not measured", () => {
  const withoutSeed7 = example.results.filter(
    ({ cell }) => !(cell["weights"] === "scratch" && cell["seed"] === 7),
  );

  it("is counted, and leaves claims undecided", () => {
    const report = createReport({ ...example, results: withoutSeed7 });
    expect(report.leftOut).toEqual([
      {
        what: "table 'Accuracy from few labels': cells with fewer than 3 values",
        count: 2,
      },
    ]);
    expect(report.claims[0]?.verdict).toBe("undecided");
    expect(report.claims[0]?.missing).toEqual(["without a partner: seed 7"]);
  });

  it("is counted when a cell of a table is empty", () => {
    const results = example.results.filter(
      ({ cell }) => !(cell["weights"] === "scratch" && cell["labels"] === 10),
    );
    const report = createReport({ ...example, results });
    expect(report.tables[0]?.cells[1]).toEqual([null, expect.anything()]);
    expect(report.leftOut).toContainEqual({
      what: "table 'Accuracy from few labels': cells that were not measured",
      count: 1,
    });
    expect(report.claims[1]?.because).toContain(
      "nothing was measured for 'random'",
    );
  });

  it("is counted when an arm's cells lack the metric", () => {
    const results = example.results.map((row) =>
      row.cell["seed"] === 6 && row.cell["weights"] === "pretrain"
        ? { ...row, metrics: {} }
        : row,
    );
    const [claim] = createReport({ ...example, results }).claims;
    expect(claim?.verdict).toBe("undecided");
    expect(claim?.missing).toContain("'colorization' lacks 1 of 3 values");
  });

  it("includes what the inputs left out themselves", () => {
    const leftOut = [{ what: "unreadable images", count: 3 }];
    expect(createReport({ ...example, leftOut }).leftOut).toEqual(leftOut);
  });
});

describe("mistakes in the parameters", () => {
  it("are told all at once, each with the names that exist", () => {
    const error = thrownBy(() =>
      createReport(
        withParams({
          tables: [{ title: "T", metric: "acuracy", rows: "wieghts", where }],
          claims: [{ ...better, of: { arm: "pretrain" } }],
          curves: [{ title: "C", metric: "los" }],
        }),
      ),
    );
    expect(error.code).toBe("report.unknown-name");
    expect(error.message).toContain("table 'T': no axis 'wieghts'");
    expect(error.message).toContain("table 'T': no metric 'acuracy'");
    expect(error.message).toContain("claim 'better': no axis 'arm'");
    expect(error.message).toContain("there are stage, weights, labels, seed");
    expect(error.message).toContain(
      "curves 'C': no metric 'los'; there are loss",
    );
  });

  it.each([
    [
      "a table",
      { tables: [{ title: "T", metric: "accuracy", rows: "weights", where }] },
    ],
    ["a claim", { claims: [{ ...better, ...arm }] }],
    [
      "a published cell",
      {
        paper: [
          { where: arm.of, metric: "accuracy", value: 1, source: "Table 2" },
        ],
      },
    ],
    [
      "a curve",
      {
        curves: [
          {
            title: "C",
            metric: "loss",
            lines: "weights",
            where: { stage: "finetune" },
          },
        ],
      },
    ],
  ])("%s never averages two label budgets silently", (_, params) => {
    const error = thrownBy(() => createReport(withParams(params)));
    expect(error.code).toBe("report.mixed");
    expect(error.message).toContain("found 10, 50 on 'labels'");
    expect(error.hint).toContain("labels");
  });

  it("of a criterion without a bound are refused when the file is read", () => {
    const claims = exampleParams.claims.map((claim) => ({
      ...claim,
      pass: {},
    }));
    expect(reportParams.safeParse({ ...exampleParams, claims }).success).toBe(
      false,
    );
  });
});

describe("several axes at once", () => {
  it("make the rows of a table, labelled by all of them", () => {
    const { tables } = createReport(
      withParams({
        names: { "weights=pretrain": "colorization" },
        tables: [
          {
            title: "T",
            metric: "accuracy",
            rows: ["weights", "labels"],
            where,
          },
        ],
      }),
    );
    expect(tables[0]?.rows).toEqual([
      "colorization, 10",
      "colorization, 50",
      "scratch, 10",
      "scratch, 50",
    ]);
    expect(tables[0]?.columns).toEqual(["accuracy"]);
  });
});

describe("parseReport", () => {
  it.each(["", "{", "[]", '{"version":2}'])(
    "refuses %j with the place and a way out",
    (text) => {
      const error = thrownBy(() => parseReport(text, "runs/x/report.json"));
      expect(error.code).toBe("report.unreadable");
      expect(error.message).toContain("runs/x/report.json");
    },
  );

  it("refuses a picture that is not inline PNG data", () => {
    const report = createReport(example);
    const text = renderJson(report).replaceAll(
      "data:image/png;base64,",
      "https://example.org/",
    );
    expect(thrownBy(() => parseReport(text, "x")).code).toBe(
      "report.unreadable",
    );
  });
});
