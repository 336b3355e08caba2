/**
 * A body in chunks (RFC 9112, section 7.1), taken apart as it comes. Sizes and extensions are bounded; trailers are read
 * over. The decoder holds no bytes of the body: it hands each piece on.
 */
import { UnusableAnswer } from "../failure.ts";

const maxLineBytes = 1024;
const maxTrailerBytes = 8 * 1024;
const carriageReturn = 13;
const lineFeed = 10;

export type ChunkedDecoder = {
  /** Takes bytes; returns how many of them belong to the body: fewer than given only when it has ended. */
  push(bytes: Buffer): number;
  readonly hasEnded: boolean;
};

/** `take` gets each piece of the body, valid during the call. Throws `UnusableAnswer`, and is of no use after that. */
export function createChunkedDecoder(
  take: (piece: Buffer) => void,
): ChunkedDecoder {
  let state: "size" | "data" | "data-end" | "trailer" | "ended" = "size";
  let line = "";
  let left = 0;
  let trailerBytes = 0;

  /** Collects a line; null: it is not whole yet. */
  function toLine(byte: number): string | null {
    if (byte === lineFeed) {
      if (!line.endsWith("\r"))
        throw new UnusableAnswer("a chunk's line ends without CR");
      const whole = line.slice(0, -1);
      line = "";
      return whole;
    }
    const isOver = line.length >= maxLineBytes || line.endsWith("\r");
    if (isOver) throw new UnusableAnswer("a chunk's line makes no sense");
    line += String.fromCharCode(byte);
    return null;
  }

  function beginChunk(text: string): void {
    const [, size] = /^([0-9a-fA-F]{1,12})[\t ]*(?:;.*)?$/.exec(text) ?? [];
    if (size === undefined) throw new UnusableAnswer("a chunk has no size");
    left = Number.parseInt(size, 16);
    state = left === 0 ? "trailer" : "data";
  }

  function step(byte: number): void {
    if (state === "data-end") {
      const wanted = line === "" ? carriageReturn : lineFeed;
      if (byte !== wanted)
        throw new UnusableAnswer("a chunk is longer than its size");
      line = line === "" ? "\r" : "";
      if (line === "") state = "size";
      return;
    }
    const whole = toLine(byte);
    if (state === "trailer" && ++trailerBytes > maxTrailerBytes)
      throw new UnusableAnswer("the trailers of a chunked body do not end");
    if (whole === null) return;
    if (state === "size") beginChunk(whole);
    else if (whole === "") state = "ended";
  }

  return {
    get hasEnded() {
      return state === "ended";
    },
    push(bytes) {
      let at = 0;
      while (at < bytes.byteLength && state !== "ended") {
        if (state === "data") {
          const piece = bytes.subarray(at, at + left);
          take(piece);
          left -= piece.byteLength;
          at += piece.byteLength;
          if (left === 0) state = "data-end";
        } else {
          step(bytes[at] ?? 0);
          at++;
        }
      }
      return at;
    },
  };
}
