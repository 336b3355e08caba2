/** What the parts of a sweep (`sweep.ts`) share: its options, what it reports, and how it takes a claim. */
import type { HeldClaim } from "../claims/hold-claim.ts";
import type { KeepOptions } from "./keep-artifacts.ts";
import type { Category } from "./plan-sweep.ts";

export type SweepOptions = KeepOptions & {
  /** What was written after this is too young to be removed; by the store's clock (`store-time.ts`). */
  readonly cutoffMs: number;
  readonly onProgress?: (done: number, total: number) => void;
};

export type Removed = {
  readonly category: Category;
  readonly objects: number;
  readonly sizeBytes: number;
};

export type SweepResult = {
  readonly removed: readonly Removed[];
  /** What was left alone after all, and why. */
  readonly skipped: readonly {
    readonly what: string;
    readonly reason: string;
  }[];
  /** False: told to stop before the end. */
  readonly isComplete: boolean;
};

/** What the parts of a sweep share. */
export type Sweeping = SweepOptions & {
  removed(removed: Removed): void;
  skip(what: string, reason: string): void;
  /** Does `work` under the claim on a key, or skips what somebody else holds. */
  withClaim(
    key: string,
    what: string,
    work: (held: HeldClaim) => Promise<void>,
  ): Promise<void>;
};
