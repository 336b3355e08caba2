/**
 * Claims and published cells of a report: the arms are gathered here, the verdicts are `verdicts.ts`'.
 * Arms are combined seed by seed, then averaged: the interval is that of the combined figure, not of its arms.
 */
import { UserError } from "../../base/errors.ts";
import {
  evaluateFormula,
  isDifference,
  parseFormula,
  type Formula,
} from "../../spec/formula.ts";
import type { ReportParams } from "../../spec/params/params-report.ts";
import { createSample } from "../create-table.ts";
import {
  isSelected,
  labelOfAxis,
  labelOfSelector,
  valuesOver,
} from "./select.ts";
import type { Names, Selector } from "./select.ts";
import { combineByPlace } from "./statistics.ts";
import type { Placed } from "./statistics.ts";
import type { Claim, Measurement, Published } from "../value.ts";
import { judgeClaim, judgeCriteria, judgePublished } from "./verdicts.ts";

type ClaimParams = ReportParams["claims"][number];

/** One claim, judged. */
export function createClaim(
  params: ClaimParams,
  results: readonly Measurement[],
  names: Names,
): Claim {
  const { name, text, metric, unit, digits } = params;
  const { selectors, value } = formOf(params);
  const arms = [...selectors].map(([arm, selector]) =>
    createArm({ params, results, names, arm, selector }),
  );
  const formula = readFormula(value, name);
  const over = labelOfAxis(names, params.over);
  const { values, missing } = judgedValues(arms, formula, over);
  const sample = createSample(values);
  const style = { unit, digits, over, paired: isDifference(formula) };
  const criteria = judgeCriteria(sample, params.pass, style);
  return {
    name,
    text,
    source: params.source ?? null,
    metric,
    unit,
    digits,
    over,
    ...judgeClaim({ sample, criteria, missing, style }),
    missing,
    criteria,
    sample,
    paired: style.paired,
    formula: params.value ?? null,
    arms: arms.map((arm) => ({
      name: params.value === undefined ? null : arm.name,
      label: arm.label,
      sample: createSample(arm.values),
    })),
  };
}

/** The short forms are formulas too: one arm, or the difference of two. */
function formOf({ of = {}, minus, arms, value }: ClaimParams): {
  readonly selectors: ReadonlyMap<string, Selector>;
  readonly value: string;
} {
  if (arms && value !== undefined)
    return { selectors: new Map(Object.entries(arms)), value };
  return minus
    ? { selectors: new Map(Object.entries({ of, minus })), value: "of - minus" }
    : { selectors: new Map([["of", of]]), value: "of" };
}

function readFormula(value: string, claim: string): Formula {
  const parsed = parseFormula(value);
  if (parsed.ok) return parsed.formula;
  throw new UserError({
    code: "report.formula",
    message: `claim '${claim}': ${parsed.message} in '${value}'`,
    hint: "a formula is names of arms, numbers, + - * / and brackets",
  });
}

type Arm = {
  readonly name: string;
  readonly label: string;
  /** Cells that were planned; fewer values than this is a gap. */
  readonly expected: number;
  readonly values: readonly Placed[];
};

function createArm(options: {
  readonly params: ClaimParams;
  readonly results: readonly Measurement[];
  readonly names: Names;
  readonly arm: string;
  readonly selector: Selector;
}): Arm {
  const { params, results, names, arm, selector } = options;
  const label = labelOfSelector(names, selector) || params.name;
  const rows = results.filter(
    (row) => isSelected(row, params.where) && isSelected(row, selector),
  );
  const figure = `claim '${params.name}', arm '${label}'`;
  const { metric, scale, over } = params;
  return {
    name: arm,
    label,
    expected: rows.length,
    values: valuesOver({ rows, metric, scale, over, figure }),
  };
}

/** The values to judge and what is missing, in words. */
function judgedValues(
  arms: readonly Arm[],
  formula: Formula,
  over: string,
): { readonly values: readonly Placed[]; readonly missing: string[] } {
  const gaps = arms
    .filter(({ expected, values }) => values.length < Math.max(1, expected))
    .map(({ label, expected, values }) =>
      expected === 0
        ? `nothing was measured for '${label}'`
        : `'${label}' lacks ${expected - values.length} of ${expected} values`,
    );
  const { values, unpaired } = combineByPlace(
    arms.map((arm) => arm.values),
    (found) =>
      evaluateFormula(
        formula,
        new Map(arms.map(({ name }, index) => [name, found[index] as number])),
      ),
  );
  const undefinedAt = values.flatMap(({ at, value }) =>
    Number.isFinite(value) ? [] : [at],
  );
  const list = (what: string, places: readonly string[]) =>
    places.length > 0 ? [`${what}: ${over} ${places.join(", ")}`] : [];
  return {
    values: values.filter(({ value }) => Number.isFinite(value)),
    missing: [
      ...gaps,
      ...list("without a partner", unpaired),
      ...list("divided by nought", undefinedAt),
    ],
  };
}

/** One published cell against ours. */
export function createPublished(
  params: ReportParams["paper"][number],
  results: readonly Measurement[],
  names: Names,
): Published {
  const { source, metric, unit, digits, value, margin, higherIsBetter } =
    params;
  const label = labelOfSelector(names, params.where) || metric;
  const rows = results.filter((row) => isSelected(row, params.where));
  const figure = `published cell '${source}', ${label}`;
  const ours = createSample(valuesOver({ ...params, rows, figure }));
  const plusMinus = params.plusMinus ?? null;
  const facts = { unit, digits, value, plusMinus, margin, higherIsBetter };
  return {
    label,
    source,
    metric,
    ...facts,
    ours,
    ...judgePublished(ours, facts),
  };
}
