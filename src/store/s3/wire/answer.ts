/**
 * One answer as it comes from a socket: where the next bytes are to be put, and what they mean. Knows no socket, so that
 * any bytes in any pieces can be tried on it.
 *
 * A1 A body of known length is read straight to where the receiver wants it: no copy, no memory of ours. Behind it not a
 *    byte more is asked for.
 * A2 Everything else goes through one buffer of a fixed size. The body of an error is kept up to a bound.
 * A3 Bytes behind the answer's end mean that the two sides disagree about where it ended: refused.
 */
import { UnusableAnswer } from "../failure.ts";
import { findHeadEnd, maxHeadBytes, parseHead } from "./answer-head.ts";
import type { AnswerHead } from "./answer-head.ts";
import { createChunkedDecoder } from "./chunked.ts";

const bufferBytes = 64 * 1024;
const maxErrorBytes = 64 * 1024;
/** Answers before the answer (1xx). */
const maxInterim = 8;

export type Receiver = {
  /**
   * Where the body of a successful answer goes: exactly as long as the body. Throws to refuse the answer. May lie in
   * shared memory.
   */
  begin(head: AnswerHead): Uint8Array;
  /** So many more bytes of it have come. */
  progress(bytes: number): void;
};

export type Answer = {
  readonly head: AnswerHead;
  /** Of an answer that is no success; cut at a bound. Empty for a success, whose body the receiver has. */
  readonly errorBody: Buffer;
};

export type AnswerReader = {
  /** Where the next bytes are to be put. Not empty until the answer has ended. */
  space(): Uint8Array;
  /** So many bytes were put there. Throws `UnusableAnswer`, or what the receiver throws. */
  filled(bytes: number): void;
  /** Null until the answer has come whole. */
  readonly answer: Answer | null;
  /** Whether anything has come. */
  readonly hasBegun: boolean;
};

type Phase =
  | { readonly kind: "head"; filled: number }
  | {
      readonly kind: "direct";
      readonly head: AnswerHead;
      readonly target: Uint8Array;
      filled: number;
    }
  | { readonly kind: "piecewise"; push(bytes: Buffer): void }
  | { readonly kind: "ended" };

/** `buffer`: of the connection, used for one answer after the other. */
export function createAnswerReader(
  receiver: Receiver,
  buffer: Buffer,
): AnswerReader {
  let phase: Phase = { kind: "head", filled: 0 };
  let hasBegun = false;
  let interim = 0;
  let answer: Answer | null = null;

  function end(head: AnswerHead, errorBody: Buffer): void {
    phase = { kind: "ended" };
    answer = { head, errorBody };
  }

  function beginBody(head: AnswerHead): void {
    const { framing } = head;
    if (head.status !== 200 && head.status !== 206) {
      beginErrorBody(head);
      return;
    }
    const target = receiver.begin(head);
    const wanted = target.byteLength;
    switch (framing.kind) {
      case "until-close":
        throw new UnusableAnswer("it does not say how long it is");
      case "length":
        if (framing.bytes !== wanted)
          throw new UnusableAnswer(
            `${framing.bytes} bytes are announced where there are ${wanted}`,
          );
        if (wanted === 0) end(head, Buffer.alloc(0));
        else phase = { kind: "direct", head, target, filled: 0 };
        return;
      case "chunked":
        phase = toChunkedBody(head, target);
    }
  }

  function toChunkedBody(head: AnswerHead, target: Uint8Array): Phase {
    let filled = 0;
    const decoder = createChunkedDecoder((piece) => {
      if (filled + piece.byteLength > target.byteLength)
        throw new UnusableAnswer("more bytes came than were announced");
      target.set(piece, filled);
      filled += piece.byteLength;
      receiver.progress(piece.byteLength);
    });
    return {
      kind: "piecewise",
      push(bytes) {
        requireAll(decoder.push(bytes), bytes);
        if (!decoder.hasEnded) return;
        if (filled < target.byteLength)
          throw new UnusableAnswer(
            `${filled} of ${target.byteLength} bytes came`,
          );
        end(head, Buffer.alloc(0));
      },
    };
  }

  /** Read to its end, so that the connection can go on; kept as far as anyone would read it. */
  function beginErrorBody(head: AnswerHead): void {
    const kept: Buffer[] = [];
    let keptBytes = 0;
    const keep = (piece: Buffer): void => {
      const part = piece.subarray(0, maxErrorBytes - keptBytes);
      kept.push(Buffer.from(part));
      keptBytes += part.byteLength;
    };
    const { framing } = head;
    if (framing.kind === "chunked") {
      const decoder = createChunkedDecoder(keep);
      const push = (bytes: Buffer): void => {
        requireAll(decoder.push(bytes), bytes);
        if (decoder.hasEnded) end(head, Buffer.concat(kept));
      };
      phase = { kind: "piecewise", push };
      return;
    }
    let left = framing.kind === "length" ? framing.bytes : 0;
    if (left === 0) return end(head, Buffer.alloc(0));
    phase = {
      kind: "piecewise",
      push(bytes) {
        requireAll(Math.min(left, bytes.byteLength), bytes);
        keep(bytes);
        left -= bytes.byteLength;
        if (left === 0) end(head, Buffer.concat(kept));
      },
    };
  }

  /** What came behind the head in the same piece. */
  function passOn(rest: Buffer): void {
    if (rest.byteLength === 0) return;
    if (phase.kind === "head") {
      rest.copy(buffer, 0);
      phase.filled = rest.byteLength;
      takeHead(phase, 0);
      return;
    }
    if (phase.kind === "piecewise") return phase.push(rest);
    // A3.
    if (phase.kind === "ended") return requireAll(0, rest);
    const part = rest.subarray(0, phase.target.byteLength);
    phase.target.set(part);
    addDirect(phase, part.byteLength);
    requireAll(part.byteLength, rest);
  }

  function takeHead(at: Phase & { kind: "head" }, before: number): void {
    const seen = buffer.subarray(0, at.filled);
    const headEnd = findHeadEnd(seen, before);
    if ((headEnd ?? at.filled) > maxHeadBytes)
      throw new UnusableAnswer(`its headers are over ${maxHeadBytes} bytes`);
    if (headEnd === null) return;
    const head = parseHead(seen.subarray(0, headEnd));
    if (head.status === 101)
      throw new UnusableAnswer("the server wants to speak something else");
    if (head.status >= 200) beginBody(head);
    // 100 Continue, 103 Early Hints: the answer follows.
    else if (++interim > maxInterim)
      throw new UnusableAnswer("it announces an answer again and again");
    else phase = { kind: "head", filled: 0 };
    passOn(seen.subarray(headEnd));
  }

  function addDirect(at: Phase & { kind: "direct" }, bytes: number): void {
    at.filled += bytes;
    receiver.progress(bytes);
    if (at.filled === at.target.byteLength) end(at.head, Buffer.alloc(0));
  }

  return {
    get answer() {
      return answer;
    },
    get hasBegun() {
      return hasBegun;
    },
    space() {
      if (phase.kind === "head") return buffer.subarray(phase.filled);
      // A1.
      if (phase.kind === "direct") return phase.target.subarray(phase.filled);
      return buffer;
    },
    filled(bytes) {
      hasBegun = true;
      const before = phase;
      if (before.kind === "head") {
        const from = before.filled;
        before.filled += bytes;
        takeHead(before, from);
      } else if (before.kind === "direct") addDirect(before, bytes);
      else if (before.kind === "piecewise")
        before.push(buffer.subarray(0, bytes));
      else requireAll(0, buffer.subarray(0, bytes));
    },
  };
}

/** Of a connection. */
export function createAnswerBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(bufferBytes);
}

/** A3. */
function requireAll(used: number, given: Buffer): void {
  if (used < given.byteLength)
    throw new UnusableAnswer("bytes came behind the end of the answer");
}
