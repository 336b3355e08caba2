/** The order of stages: upstream before downstream, otherwise as in the file; and the cycles that have no order. */

export type StageOrder = {
  readonly order: readonly string[];
  /** Each starts and ends with the same stage, e.g. `[a, b, a]`: `a` reads `b`, `b` reads `a`. */
  readonly cycles: readonly (readonly string[])[];
};

/** Orders the stages of `upstreams`: stage → the stages that it reads, all of them keys of the map. */
export function orderStages(
  upstreams: ReadonlyMap<string, readonly string[]>,
): StageOrder {
  const order: string[] = [];
  const cycles: string[][] = [];
  const state = new Map<string, "open" | "done">();
  for (const root of upstreams.keys()) {
    // An explicit stack: a chain of ten thousand stages is no reason to overflow.
    const path: { readonly stage: string; next: number }[] = [];
    const enter = (stage: string): void => {
      state.set(stage, "open");
      path.push({ stage, next: 0 });
    };
    if (!state.has(root)) enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const upstream = upstreams.get(top.stage)?.[top.next++];
      if (upstream === undefined) {
        state.set(top.stage, "done");
        order.push(top.stage);
        path.pop();
      } else if (!state.has(upstream)) {
        enter(upstream);
      } else if (state.get(upstream) === "open") {
        const start = path.findIndex(({ stage }) => stage === upstream);
        const cycle = path.slice(start).map(({ stage }) => stage);
        cycles.push([...cycle, upstream]);
      }
    }
  }
  return { order, cycles };
}
