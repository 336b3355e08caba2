/**
 * How many requests are under way: as many as the server bears. It starts at the maximum, halves when the server says
 * "slow down", and grows by one for each round of successes (additive increase, multiplicative decrease).
 * One overload answers many requests at once; only the first of those that began before the cut cuts.
 */

export type Gate = {
  /** Waits for a place, in order of arrival. Call the result once when the request is over. */
  enter(): Promise<Leave>;
  readonly limit: number;
};

export type Leave = (outcome: "success" | "slow-down" | "failure") => void;

export function createGate(maximum: number): Gate {
  let limit = maximum;
  let active = 0;
  let cuts = 0;
  const waiting: (() => void)[] = [];

  function admit(): void {
    while (active < Math.floor(limit) && waiting.length > 0) {
      active++;
      waiting.shift()?.();
    }
  }
  return {
    get limit() {
      return Math.floor(limit);
    },
    async enter() {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      const cutsBefore = cuts;
      return (outcome) => {
        active--;
        if (outcome === "success") limit = Math.min(maximum, limit + 1 / limit);
        if (outcome === "slow-down" && cuts === cutsBefore) {
          limit = Math.max(1, limit / 2);
          cuts++;
        }
        admit();
      };
    },
  };
}
