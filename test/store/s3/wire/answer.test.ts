/** What may come from a socket, in any pieces: sound answers are understood, everything else is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnusableAnswer } from "../../../../src/store/s3/failure.ts";
import {
  createAnswerBuffer,
  createAnswerReader,
} from "../../../../src/store/s3/wire/answer.ts";
import type { AnswerHead } from "../../../../src/store/s3/wire/answer-head.ts";

type Outcome =
  { readonly status: number; readonly body: string } | "more" | UnusableAnswer;

const buffer = createAnswerBuffer();

/** Gives an answer to a reader as a socket would, `pieces` bytes at a time, and says what came of it. */
function read(sent: Buffer, pieces: readonly number[] = []): Outcome {
  let body: Uint8Array = new Uint8Array();
  const reader = createAnswerReader(
    {
      begin: (head) =>
        (body = new Uint8Array(new SharedArrayBuffer(sizeOf(head)))),
      progress: () => undefined,
    },
    buffer,
  );
  try {
    for (let at = 0, turn = 0; at < sent.byteLength; turn++) {
      const space = reader.space();
      // A socket gives nothing to an empty buffer.
      expect(space.byteLength).toBeGreaterThan(0);
      const wanted = pieces[turn % pieces.length] ?? sent.byteLength;
      const piece = sent.subarray(at, at + Math.min(wanted, space.byteLength));
      space.set(piece);
      reader.filled(piece.byteLength);
      at += piece.byteLength;
    }
  } catch (thrown) {
    if (thrown instanceof UnusableAnswer) return thrown;
    throw thrown;
  }
  const { answer } = reader;
  if (answer === null) return "more";
  const isSuccess = answer.head.status < 300;
  const bytes = isSuccess ? Buffer.from(body) : answer.errorBody;
  return { status: answer.head.status, body: bytes.toString("latin1") };
}

/** As the store reads it: a length, or a range. */
function sizeOf({ headers, framing }: AnswerHead): number {
  const range = /^bytes (\d+)-(\d+)\//.exec(headers["content-range"] ?? "");
  const length = range ? Number(range[2]) - Number(range[1]) + 1 : null;
  if (length !== null) return Math.max(0, Math.min(1e6, length));
  return framing.kind === "length" ? Math.min(1e6, framing.bytes) : 0;
}

const lines = (...all: readonly string[]): Buffer =>
  Buffer.from(all.join("\r\n"), "latin1");

const piecesOf = fc.array(fc.integer({ min: 1, max: 40 }), {
  minLength: 1,
  maxLength: 8,
});

const plain = lines(
  "HTTP/1.1 200 OK",
  "Content-Length: 5",
  "ETag: x",
  "",
  "hello",
);
const chunked = lines(
  "HTTP/1.1 206 Partial Content",
  "Transfer-Encoding: chunked",
  "Content-Range: bytes 3-9/20",
  "",
  "3;name=value",
  "abc",
  "4",
  "d\r\ne",
  "0",
  "X-Trailer: 1",
  "",
  "",
);
const refused = lines(
  "HTTP/1.1 404 Not Found",
  "content-length:  26  ",
  "",
  "<Code>NoSuchKey</Code>1234",
);
const early = Buffer.concat([
  lines("HTTP/1.1 100 Continue", "", ""),
  lines("HTTP/1.1 103 Early Hints", "Link: </a>", "", ""),
  plain,
]);

describe("a sound answer", () => {
  test.each([
    {
      kind: "with a length",
      sent: plain,
      want: { status: 200, body: "hello" },
    },
    {
      kind: "in chunks",
      sent: chunked,
      want: { status: 206, body: "abcd\r\ne" },
    },
    {
      kind: "that refuses",
      sent: refused,
      want: { status: 404, body: "<Code>NoSuchKey</Code>1234" },
    },
    {
      kind: "after others that announce it",
      sent: early,
      want: { status: 200, body: "hello" },
    },
    {
      kind: "without a body",
      sent: lines("HTTP/1.1 304 Not Modified", "Content-Length: 5", "", ""),
      want: { status: 304, body: "" },
    },
  ])("$kind is understood, in whatever pieces it comes", ({ sent, want }) => {
    expect(read(sent)).toEqual(want);
    fc.assert(
      fc.property(piecesOf, (pieces) => {
        expect(read(sent, pieces)).toEqual(want);
      }),
      { numRuns: 200 },
    );
  });

  test("of megabytes goes where it is wanted, and not a byte behind it is asked for", () => {
    const body = "x".repeat(900_000);
    const sent = lines("HTTP/1.1 200 OK", "Content-Length: 900000", "", body);
    expect(read(sent, [100_000])).toEqual({ status: 200, body });
  });

  test("that refuses at length is kept as far as anyone would read it", () => {
    const sent = lines(
      "HTTP/1.1 500 X",
      "Content-Length: 200000",
      "",
      "y".repeat(200_000),
    );
    expect(read(sent)).toEqual({ status: 500, body: "y".repeat(65_536) });
  });
});

describe("an answer is refused", () => {
  const answer = (...headers: readonly string[]): Buffer =>
    lines("HTTP/1.1 200 OK", ...headers, "", "hello");
  const size = "Content-Range: bytes 0-4/5";
  test.each([
    { why: "no HTTP", sent: lines("SSH-2.0-OpenSSH_9", "", "") },
    { why: "HTTP/2", sent: lines("HTTP/2 200", "content-length: 0", "", "") },
    {
      why: "two lengths",
      sent: answer("Content-Length: 5", "Content-Length: 6"),
    },
    {
      why: "a length and a coding",
      sent: answer("Content-Length: 5", "Transfer-Encoding: chunked"),
    },
    {
      why: "an unknown coding",
      sent: answer("Transfer-Encoding: gzip, chunked"),
    },
    { why: "a length that is no number", sent: answer("Content-Length: 5, 5") },
    {
      why: "a length beyond all",
      sent: answer(`Content-Length: ${"9".repeat(16)}`),
    },
    { why: "a negative length", sent: answer("Content-Length: -1") },
    { why: "no length", sent: answer(size) },
    { why: "a folded header", sent: answer("A: b", " c", "Content-Length: 5") },
    { why: "a space before the colon", sent: answer("Content-Length : 5") },
    { why: "a bare line feed", sent: answer("A: b\nContent-Length: 5") },
    { why: "a NUL", sent: answer("A: \0", "Content-Length: 5") },
    { why: "bytes behind its end", sent: answer("Content-Length: 4") },
    {
      why: "another protocol",
      sent: lines("HTTP/1.1 101 Switching Protocols", "", ""),
    },
    { why: "headers without end", sent: answer(`A: ${"b".repeat(20_000)}`) },
    {
      why: "a hundred answers before it",
      sent: Buffer.concat([
        ...Array.from({ length: 100 }, () =>
          lines("HTTP/1.1 100 Continue", "", ""),
        ),
        plain,
      ]),
    },
    {
      why: "a body of another length than its range",
      sent: answer("Content-Length: 5", "Content-Range: bytes 0-8/9"),
    },
  ])("for $why", ({ sent }) => {
    expect(read(sent)).toBeInstanceOf(UnusableAnswer);
    expect(read(sent, [1])).toBeInstanceOf(UnusableAnswer);
  });

  test.each([
    { why: "more than its range", body: ["9", "123456789", "0", "", ""] },
    { why: "fewer than its range", body: ["2", "12", "0", "", ""] },
    { why: "a size that is none", body: ["five", "12345"] },
    { why: "a negative size", body: ["-5", "12345"] },
    { why: "a size beyond all", body: ["f".repeat(13), "12345"] },
    { why: "a chunk longer than its size", body: ["4", "12345", "0", "", ""] },
    { why: "a line without CR", body: ["5\n12345"] },
    { why: "a CR inside a line", body: ["5\rx", "12345"] },
    { why: "an extension without end", body: [`5;${"x".repeat(2_000)}`] },
    {
      why: "trailers without end",
      body: ["5", "12345", "0", ...Array.from({ length: 2_000 }, () => "a: b")],
    },
  ])("in chunks with $why", ({ body }) => {
    const head = ["HTTP/1.1 206 P", "Transfer-Encoding: chunked", size, ""];
    expect(read(lines(...head, ...body))).toBeInstanceOf(UnusableAnswer);
    expect(read(lines(...head, ...body), [1])).toBeInstanceOf(UnusableAnswer);
  });
});

describe("whatever comes", () => {
  const sound = fc.constantFrom(plain, chunked, refused, early);
  /** A sound answer with bytes changed, removed and put in. */
  const mutated = fc
    .tuple(
      sound,
      fc.array(
        fc.record({
          at: fc.nat(400),
          remove: fc.nat(5),
          put: fc.oneof(
            fc.uint8Array({ maxLength: 6 }),
            fc
              .constantFrom(
                "\r\n",
                "\n",
                ":",
                "0",
                "ffffffff",
                ", ",
                "\r\n\r\n",
              )
              .map((text) => new Uint8Array(Buffer.from(text))),
          ),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([bytes, edits]) =>
      edits.reduce<Buffer>((before, { at, remove, put }) => {
        const start = at % before.byteLength;
        return Buffer.concat([
          before.subarray(0, start),
          put,
          before.subarray(Math.min(before.byteLength, start + remove)),
        ]);
      }, bytes),
    )
    .filter((bytes) => bytes.byteLength > 0);

  test("is an answer, the beginning of one, or refused, and the same in any pieces", () => {
    fc.assert(
      fc.property(mutated, piecesOf, (sent, pieces) => {
        const whole = read(sent);
        const inPieces = read(sent, pieces);
        if (whole instanceof UnusableAnswer)
          expect(inPieces).toBeInstanceOf(UnusableAnswer);
        else expect(inPieces).toEqual(whole);
      }),
      { numRuns: 4_000 },
    );
  });

  test("of pure noise, nothing is taken for a success", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (noise) => {
        const outcome = read(Buffer.from(noise));
        expect(outcome === "more" || outcome instanceof UnusableAnswer).toBe(
          true,
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
