/**
 * Held-out samples in groups that fit in memory, for the scores of early stopping. Pure.
 *
 * With batch statistics a group is normalized with its own, so the groups are the same at every score, of one size, and each
 * takes every n-th sample: samples lie class by class, and a group of few classes would have other statistics.
 */
export type SampleGroups = {
  /** Samples in each group. */
  readonly size: number;
  readonly groups: readonly {
    readonly samples: Int32Array;
    /** The first so many count; what fills up the group counts in another one. */
    readonly counted: number;
  }[];
};

/** The fewest groups of at most `atOnce` samples; one group is the samples in their order. */
export function groupsOf(samples: Int32Array, atOnce: number): SampleGroups {
  const count = Math.ceil(samples.length / atOnce);
  const size = Math.ceil(samples.length / count);
  const groups = Array.from({ length: count }, (_, group) => {
    const places = Array.from({ length: size }, (_, k) => group + k * count);
    return {
      samples: Int32Array.from(
        places,
        (place) => samples[place % samples.length] as number,
      ),
      counted: places.filter((place) => place < samples.length).length,
    };
  });
  return { size, groups };
}
