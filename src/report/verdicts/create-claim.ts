/** Claims and published cells of a report: the arms are gathered here, the verdicts are `verdicts.ts`'. */
import type { ReportParams } from "../../spec/params/params-report.ts";
import { createSample } from "../create-table.ts";
import {
  isSelected,
  labelOfAxis,
  labelOfSelector,
  valuesOver,
} from "./select.ts";
import type { Names, Selector } from "./select.ts";
import { pairDifferences } from "./statistics.ts";
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
  const { name, text, metric, unit, digits, minus } = params;
  const armOf = (selector: Selector): Arm => {
    const label = labelOfSelector(names, selector) || name;
    const rows = results.filter(
      (row) => isSelected(row, params.where) && isSelected(row, selector),
    );
    const figure = `claim '${name}', arm '${label}'`;
    return {
      label,
      expected: rows.length,
      values: valuesOver({ ...params, rows, figure }),
    };
  };
  const arms = [armOf(params.of), ...(minus ? [armOf(minus)] : [])];
  const over = labelOfAxis(names, params.over);
  const { values, missing } = judgedValues(arms, over);
  const sample = createSample(values);
  const paired = minus !== undefined;
  const criteria = judgeCriteria(sample, params.pass, {
    unit,
    digits,
    over,
    paired,
  });
  return {
    name,
    text,
    source: params.source ?? null,
    metric,
    unit,
    digits,
    over,
    ...judgeClaim(criteria, missing),
    missing,
    criteria,
    sample,
    paired,
    arms: arms.map((arm) => ({
      label: arm.label,
      sample: createSample(arm.values),
    })),
  };
}

type Arm = {
  readonly label: string;
  /** Cells that were planned; fewer values than this is a gap. */
  readonly expected: number;
  readonly values: readonly Placed[];
};

/** The values to judge (of one arm, or differences of two) and what is missing, in words. */
function judgedValues(
  arms: readonly Arm[],
  over: string,
): {
  values: readonly Placed[];
  missing: string[];
} {
  const gaps = arms
    .filter(({ expected, values }) => values.length < Math.max(1, expected))
    .map(({ label, expected, values }) =>
      expected === 0
        ? `nothing was measured for '${label}'`
        : `'${label}' lacks ${expected - values.length} of ${expected} values`,
    );
  const [left, right] = arms;
  if (!left || !right) return { values: left?.values ?? [], missing: gaps };
  const { differences, unpaired } = pairDifferences(left.values, right.values);
  return {
    values: differences,
    missing: [
      ...gaps,
      ...(unpaired.length > 0
        ? [`without a partner: ${over} ${unpaired.join(", ")}`]
        : []),
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
