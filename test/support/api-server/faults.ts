/** What goes wrong with requests, chosen by a test. Faults of streams that are open are `watches.ts`'s. */
import { ApiError } from "./objects.ts";
import type { RequestSeen, Verb } from "./requests.ts";

export type Fault =
  /** Answered so, and not done. */
  | {
      readonly kind: "refuse";
      readonly status: number;
      readonly reason: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
      /** Not `metav1.Status` but text, as a proxy before the server would answer. */
      readonly isText?: boolean;
    }
  /** The connection breaks before anything is done; or after it, before its answer. */
  | { readonly kind: "reset"; readonly when: "before" | "after" }
  /** Never answered. */
  | { readonly kind: "silence" };

export type FaultRule = {
  readonly fault: Fault;
  readonly verb?: Verb;
  /** Plural. */
  readonly resource?: string;
  readonly name?: string;
  /** To how many requests it happens. Default: 1. */
  readonly times?: number;
  /** How many requests go well before. Default: 0. */
  readonly after?: number;
};

export type Faults = {
  add(rule: FaultRule): void;
  clear(): void;
};

export function createFaults(): Faults & {
  take(request: RequestSeen): Fault | null;
} {
  let rules: { readonly rule: FaultRule; spared: number; left: number }[] = [];
  return {
    add(rule) {
      rules.push({ rule, spared: rule.after ?? 0, left: rule.times ?? 1 });
    },
    clear() {
      rules = [];
    },
    take(request) {
      const hit = rules.find(
        ({ rule, left }) =>
          left > 0 &&
          (rule.verb ?? request.verb) === request.verb &&
          (rule.resource ?? request.resource) === request.resource &&
          (rule.name ?? request.name) === request.name,
      );
      if (!hit) return null;
      if (hit.spared-- > 0) return null;
      hit.left--;
      return hit.rule.fault;
    },
  };
}

/** Answered by text instead of `metav1.Status`. */
export class TextError extends ApiError {}

export function toError(fault: Fault & { readonly kind: "refuse" }): ApiError {
  const { status, reason, message, retryAfterSeconds, isText } = fault;
  const Kind = isText ? TextError : ApiError;
  return new Kind(status, reason, message ?? `refused: ${reason}`, {
    retryAfterSeconds,
  });
}
