/** The example report made difficult: with every verdict and a gap, and with names that try to be code. */
import type { ReportInputs } from "../../src/report/create-report.ts";
import { reportParams } from "../../src/spec/params/params-report.ts";
import { createExampleInputs, exampleParams } from "./report-example.ts";

/** The same study, less lucky: every verdict there is, a gap, and what the inputs left out. */
export function createMixedInputs(): ReportInputs {
  const params = reportParams.parse({
    ...exampleParams,
    title: "A study with every verdict",
    claims: [
      ...exampleParams.claims.map((claim) => ({
        ...claim,
        pass: { mean: { atLeast: 7 }, ci95: { above: 2 } },
      })),
      {
        name: "good enough",
        text: "Colorization reaches 44 % with 50 labels per class.",
        metric: "accuracy",
        of: { weights: "pretrain", labels: 50 },
        scale: 100,
        unit: "%",
        pass: { every: { atLeast: 44, atMost: 100 } },
      },
      {
        name: "ratio falls",
        text: "The ratio of colorization to random weights falls as labels grow.",
        metric: "accuracy",
        arms: {
          few: { weights: "pretrain", labels: 10 },
          fewRandom: { weights: "scratch", labels: 10 },
          many: { weights: "pretrain", labels: 50 },
          manyRandom: { weights: "scratch", labels: 50 },
        },
        value: "few / fewRandom - many / manyRandom",
        scale: 100,
        digits: 2,
        pass: { ci95: { above: 0 } },
        source: "Larsson et al. 2017, claim C2",
      },
    ],
    tables: [
      ...exampleParams.tables,
      {
        title: "Distance from the true colours",
        metric: "rmse",
        rows: "stage",
        where: { stage: "look" },
        digits: 3,
      },
    ],
    curves: [
      ...exampleParams.curves,
      {
        title: "All training",
        metric: "loss",
        lines: ["weights", "labels"],
        where: { stage: "finetune" },
      },
    ],
    paper: [
      { value: 43.5, margin: 2, ...publishedCell(50, "Table A") },
      { value: 38.2, margin: 0.5, ...publishedCell(50, "Table B") },
      { value: 48, plusMinus: 0.4, ...publishedCell(50, "Table C") },
      { value: 36, ...publishedCell(10, "Table D") },
    ],
  });
  const present = createExampleInputs().results.filter(
    ({ cell }) =>
      !(
        cell["weights"] === "scratch" &&
        cell["labels"] === 10 &&
        cell["seed"] === 7
      ),
  );
  const leftOut = [{ what: "unreadable images (dataset 0a1b2c)", count: 3 }];
  return createExampleInputs({ params, results: present, leftOut });
}

function publishedCell(labels: number, source: string) {
  return {
    where: { weights: "pretrain", labels },
    metric: "accuracy",
    scale: 100,
    unit: "%",
    source,
  };
}

/** What a name must never become: markup, a table cell, a formula, a command, a line of a file. */
export const hostileText = `"><script>alert(1)</script><img src=x onerror=alert(1)>' | \`rm\` \${x} \\input{/etc/passwd} %\u202E $&,"`;

/** The example with that text wherever a pipeline's author or a dataset can put text. */
export function createHostileInputs(): ReportInputs {
  const text = hostileText;
  const inputs = createExampleInputs();
  const pixels = inputs.pictures[0]?.items ?? [];
  const cell = { weights: text, labels: 10, seed: 5 };
  return {
    ...inputs,
    params: reportParams.parse({
      title: text,
      summary: text,
      names: { weights: text, "stage=look": text },
      tables: [
        {
          title: text,
          metric: text,
          rows: "weights",
          columns: "labels",
          unit: text,
        },
      ],
      claims: [
        {
          name: text,
          text,
          metric: text,
          of: { weights: text },
          unit: text,
          pass: { mean: { above: 0 } },
          source: text,
        },
      ],
      paper: [
        {
          where: { weights: text },
          metric: text,
          value: 1,
          unit: text,
          source: text,
        },
      ],
      curves: [{ title: text, metric: text, lines: "weights", unit: text }],
    }),
    results: [
      { stage: text, cell, key: text, metrics: { [text]: 1 } },
      {
        stage: text,
        cell: { ...cell, seed: 6 },
        key: text,
        metrics: { [text]: 2 },
      },
    ],
    curves: [
      {
        stage: text,
        cell,
        rows: [1, 2].map((step) => ({ step, name: text, value: step })),
      },
    ],
    pictures: [
      {
        title: text,
        items: pixels.map((item) => ({ ...item, name: text })),
      },
      { title: text, items: pixels },
    ],
    artifacts: [
      {
        kind: text,
        contract: 1,
        key: text,
        seed: 5,
        stage: text,
        cell,
        hueline: text,
        tensorflow: text,
      },
    ],
    leftOut: [{ what: text, count: 1 }],
  };
}
