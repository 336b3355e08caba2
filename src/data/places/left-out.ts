/** Counts by reason what lies at a source and was not taken (invariant J). */

export type LeftOut = {
  readonly reason: string;
  readonly count: number;
  /** The first few. */
  readonly examples: readonly string[];
};

const EXAMPLES = 5;

export class LeftOutTally {
  readonly #origins = new Map<string, string[]>();

  add(reason: string, origin: string): void {
    const origins = this.#origins.get(reason) ?? [];
    origins.push(origin);
    this.#origins.set(reason, origins);
  }

  list(): LeftOut[] {
    return [...this.#origins]
      .map(([reason, origins]) => ({
        reason,
        count: origins.length,
        examples: origins.sort(byCodeUnit).slice(0, EXAMPLES),
      }))
      .sort((a, b) => byCodeUnit(a.reason, b.reason));
  }
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
