/** What `part.json` says of a packed part: counts, sizes, colour, and what did not go in. */
import type { Quarantined, ShardPart } from "../catalog.ts";
import { PACKING_VERSION } from "../order/packing-order.ts";
import type { Source, SourceItem, SourceRequest } from "../sources/source.ts";
import type { ExaminedSample } from "./examine-image.ts";

/** The report of one part. */
export function describePart(facts: {
  readonly source: Source;
  readonly request: SourceRequest;
  readonly part: { readonly index: number; readonly count: number };
  readonly order: number;
  /** The `shrink` parameter of the shard stage, and what images were scaled with. */
  readonly shrink: number | null;
  readonly encoder: string | null;
  readonly samples: readonly (Omit<ExaminedSample, "file" | "mask"> & {
    readonly item: SourceItem;
    readonly mask: unknown;
  })[];
  readonly quarantine: readonly Quarantined[];
}): ShardPart {
  const { source, request, part, order, samples, quarantine } = facts;
  const { shrink, encoder } = facts;
  const perClass = source.classes.map(() => 0);
  for (const { item } of samples)
    for (const label of labelsOf(item))
      perClass[label] = (perClass[label] as number) + 1;
  return {
    version: 2,
    index: part.index,
    count: part.count,
    source: {
      format: request.format,
      split: request.split,
      identity: source.identity,
      items: source.items.length,
    },
    order: { version: PACKING_VERSION, seed: order },
    classes: [...source.classes],
    perClass,
    unlabelled: samples.filter(({ item }) => labelsOf(item).length === 0)
      .length,
    samples: samples.length,
    width: rangeOf(samples.map(({ width }) => width)),
    height: rangeOf(samples.map(({ height }) => height)),
    quarantine: [...quarantine],
    masks: source.maskClasses
      ? {
          classes: [...source.maskClasses],
          samples: samples.filter(({ mask }) => mask !== null).length,
        }
      : null,
    shrink:
      shrink === null
        ? null
        : {
            side: shrink,
            images: samples.filter(({ shrunkFrom }) => shrunkFrom !== null)
              .length,
            encoders: encoder === null ? [] : [encoder],
          },
    leftOut: source.leftOut.map((left) => ({
      ...left,
      examples: [...left.examples],
    })),
    chromaSum: samples.reduce((sum, { chroma }) => sum + chroma, 0),
  };
}

function labelsOf({ label, labels }: SourceItem): readonly number[] {
  return labels ?? (label < 0 ? [] : [label]);
}

function rangeOf(values: readonly number[]): { min: number; max: number } {
  if (values.length === 0) return { min: 0, max: 0 };
  return values.reduce(
    ({ min, max }, value) => ({
      min: Math.min(min, value),
      max: Math.max(max, value),
    }),
    { min: Infinity, max: 0 },
  );
}
