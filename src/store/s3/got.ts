/** What a GET of an object brings, whichever way it came: the head of the answer, or why there are no bytes. */
import type { Readable } from "node:stream";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { ByteRange } from "../store.ts";
import { toName, toStatus, UnusableAnswer } from "./failure.ts";
import { toHead } from "./head.ts";
import type { Head } from "./head.ts";

/** What the head of an answer to GET tells of an object. */
export type Found = {
  readonly head: Head;
  /** Null: the server sends the whole object, although a range may have been asked for. */
  readonly range: ByteRange | null;
};

/** Why there are no bytes: no object, a condition that does not hold, a range behind the object's end. */
export type Lack = "absent" | "refused" | "outside";

export type Got = Found & {
  /** To be read to its end, or destroyed. */
  readonly body: Readable;
};

/** Of a GET; throws what is no lack. */
export function toLack(thrown: unknown): Lack {
  if (toName(thrown) === "NoSuchKey") return "absent";
  if (toStatus(thrown) === 412) return "refused";
  if (toStatus(thrown) === 416) return "outside";
  throw thrown;
}

/** The SDK's answer. */
export function toGot(output: GetObjectCommandOutput): Got {
  const body = output.Body as Readable | undefined;
  if (!body) throw new UnusableAnswer("an object came without a body");
  try {
    return { ...toFound(output), body };
  } catch (thrown) {
    body.destroy();
    throw thrown;
  }
}

/** Throws `UnusableAnswer` for an answer that makes no sense. */
export function toFound(
  output: Parameters<typeof toHead>[0] & {
    readonly ContentLength?: number | undefined;
    readonly ContentRange?: string | undefined;
  },
): Found {
  if (output.ContentRange === undefined)
    return { head: toHead(output, output.ContentLength ?? 0), range: null };
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(
    output.ContentRange,
  );
  const [offset, last, total] = (match ?? []).slice(1).map(Number);
  const isRange =
    offset !== undefined &&
    last !== undefined &&
    total !== undefined &&
    offset <= last &&
    last < total;
  if (!isRange)
    throw new UnusableAnswer(`its range is '${output.ContentRange}'`);
  const range = { offset, length: last - offset + 1 };
  return { head: toHead(output, total), range };
}
