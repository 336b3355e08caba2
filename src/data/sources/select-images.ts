/**
 * Some of a source's images, as a source of its own: chosen classes, which are numbered anew, and a share of each class.
 *
 * Two selections with shares that meet (`[0, 0.5]`, `[0.5, 1]`) have no image in common and leave none out, as have two
 * lists of classes of which one is the rest of the other: so one source gives what is learned from and what is tested.
 * What is not selected is no loss that needs counting: it was asked for, like a limit.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { ClassChoice, Share } from "../../spec/params/params-shard.ts";
import type { Source, SourceItem } from "./source.ts";
import { takeSpread } from "./take-spread.ts";

type Selection = {
  readonly classes?: ClassChoice | undefined;
  readonly share?: Share | undefined;
  /** Of what the rest of the selection leaves. */
  readonly limit: number | null;
};

type Numbered = SourceItem & { readonly index: number };

/** @throws UserError `data.class-unknown`, `data.class-several`, `data.source-empty`. */
export function selectImages(source: Source, selection: Selection): Source {
  const { classes, share, limit } = selection;
  const all = source.items.map((item, index) => ({ ...item, index }));
  const chosen =
    classes === undefined
      ? { classes: source.classes, items: all }
      : chooseClasses(source.classes, all, classes);
  const shared = share ? shareOfEach(chosen.items, share) : chosen.items;
  const items = takeSpread(shared, limit);
  if (items.length === 0)
    throw new UserError({
      code: "data.source-empty",
      message: `expected images in what is selected of the source, found none of ${source.items.length}`,
      hint: "widen `share`, or choose other `classes`",
    });
  const numbers = items.map(({ index }) => index);
  return {
    ...source,
    identity: `${source.identity}+${digestOf(chosen.classes, numbers)}`,
    classes: chosen.classes,
    items: items.map(({ index: _index, ...item }) => item),
    read: (wanted, visit) =>
      source.read(
        wanted.map((position) => numbers[position] as number),
        visit,
      ),
  };
}

/** Items of the chosen classes, whose labels are their places among these. */
function chooseClasses(
  known: readonly string[],
  items: readonly Numbered[],
  choice: ClassChoice,
): { readonly classes: readonly string[]; readonly items: Numbered[] } {
  if (items.some(({ labels }) => labels !== undefined))
    throw new UserError({
      code: "data.class-several",
      message:
        "expected a source whose images have one class each, found one whose images may have several",
      hint: "leave out `classes`: the images of a class are no set apart here",
    });
  const wanted = numbersOf(known, choice);
  const labels = new Map(wanted.map((number, label) => [number, label]));
  return {
    classes: wanted.map((number) => known[number] as string),
    items: items.flatMap((item) => {
      const label = labels.get(item.label);
      return label === undefined ? [] : [{ ...item, label }];
    }),
  };
}

/** Ascending. */
function numbersOf(known: readonly string[], choice: ClassChoice): number[] {
  if (!Array.isArray(choice))
    return [...known.keys()].filter((number) =>
      choice.at.includes(number % choice.every),
    );
  const unknown = choice.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UserError({
      code: "data.class-unknown",
      message: `expected classes of the source, found ${unknown.map((name) => `'${name}'`).join(", ")}`,
      hint: `it has ${known.slice(0, 10).join(", ")}${known.length > 10 ? `, and ${known.length - 10} more` : ""}`,
    });
  return [...known.keys()].filter((number) =>
    choice.includes(known[number] as string),
  );
}

/** Of n images of a class, in their order, those from round(from · n) up to, not including, round(to · n). */
function shareOfEach(
  items: readonly Numbered[],
  [from, to]: Share,
): readonly Numbered[] {
  const classes = Map.groupBy(items, ({ label }) => label);
  return [...classes.values()]
    .flatMap((own) =>
      own.slice(Math.round(from * own.length), Math.round(to * own.length)),
    )
    .sort((a, b) => a.index - b.index);
}

/** Of the images and of what their labels mean. */
function digestOf(
  classes: readonly string[],
  numbers: readonly number[],
): string {
  return createHash("sha256")
    .update(JSON.stringify({ classes, numbers }))
    .digest("hex");
}
