/** Names that people give: stages and pipelines become DNS labels, axes and inputs are parameter names. */
import type { IssuePath, IssuePlace, Mistake } from "../issue.ts";

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** No mistake if the name is a DNS label (RFC 1123) of at most `max` characters. */
export function checkName(
  name: string,
  owner: string,
  path: IssuePath,
  place: IssuePlace,
  max: number,
): Mistake[] {
  if (DNS_LABEL.test(name) && name.length <= max) return [];
  const proposal = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, max)
    .replace(/^-+|-+$/g, "");
  return [
    {
      code: "spec.name",
      path,
      place,
      message: `expected a name of at most ${max} lower-case letters, digits and inner hyphens for ${owner}, found '${name.slice(0, 80)}'`,
      ...(proposal === "" ? {} : { hint: `for example '${proposal}'` }),
    },
  ];
}

/** Numbers of a list that stand there more than once. */
export function repeatedNumbers(
  values: readonly number[],
  path: IssuePath,
): Mistake[] {
  const seen = new Set<number>();
  return values.flatMap((value, i): Mistake[] => {
    if (!seen.has(value)) {
      seen.add(value);
      return [];
    }
    return [
      {
        code: "spec.duplicate-value",
        path: [...path, i],
        place: "value",
        message: `the seed ${value} is already in the list`,
      },
    ];
  });
}
