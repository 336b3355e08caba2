/**
 * Reads of objects over connections of our own, several times as fast as through the SDK: a signed GET goes out, the body
 * goes from the socket to where it is wanted. Where to, and signed by whom, is found out before (`address.ts`).
 */
import type { Clock } from "../../../base/clock.ts";
import type { ConnectionOptions } from "../connection.ts";
import type { ByteRange } from "../../store.ts";
import type { Access } from "./address.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { Receiver } from "./answer.ts";
import { createPool } from "./pool.ts";
import { Refusal } from "./refusal.ts";
import { createSigner } from "./signer.ts";

export type Wire = {
  /** Throws `Refusal` for an answer that is no success, and what breaks on the way. */
  get(
    key: string,
    options: {
      readonly range?: ByteRange | undefined;
      readonly ifMatch?: string | undefined;
      readonly receiver: Receiver;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<AnswerHead>;
  close(): void;
};

export function openWire(options: {
  readonly access: Access;
  readonly timeouts: Pick<
    ConnectionOptions,
    "idleTimeoutMs" | "connectTimeoutMs"
  >;
  readonly clock: Clock;
}): Wire {
  const { access } = options;
  const signer = createSigner(access, options.clock);
  const pool = createPool(access.address, options.timeouts);
  return {
    async get(key, { range, ifMatch, receiver, signal }) {
      const request = await signer.sign(key, {
        "user-agent": "hueline",
        "x-amz-checksum-mode": "ENABLED",
        ...(range && { range: toHeader(range) }),
        ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
      });
      const answer = await pool.exchange(request, receiver, signal);
      const { status, headers } = answer.head;
      if (status === 200 || status === 206) return answer.head;
      const refusal = new Refusal(answer);
      if (refusal.name === "RequestTimeTooSkewed")
        signer.setClock(headers["date"]);
      throw refusal;
    },
    close: () => pool.close(),
  };
}

export function toHeader({ offset, length }: ByteRange): string {
  return `bytes=${offset}-${offset + length - 1}`;
}
