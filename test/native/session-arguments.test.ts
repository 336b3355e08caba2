/** The session addon under wrong arguments: always an error, never a crash. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { graphDef } from "../../src/engine/graph/proto.ts";
import type { SessionRequest } from "../../src/engine/session-addon.ts";
import {
  FLOAT,
  feedX,
  floats,
  negate,
  placeholder,
  request,
  useSessions,
  wrong,
} from "../support/native-session.ts";

const INT32 = 3;
const STRING = 7;
const { addon, open } = useSessions();

describe("wrong arguments are errors with TensorFlow's code, and the session goes on", () => {
  const cases: [string, SessionRequest, string, RegExp][] = [
    [
      "no such feed",
      request({ feeds: [feedX({ name: "q" })] }),
      "TF5",
      /no node "q"/,
    ],
    ["no such fetch", request({ fetches: ["q"] }), "TF5", /no node "q"/],
    ["no such target", request({ targets: ["q"] }), "TF5", /no node "q"/],
    [
      "an output beyond the last",
      request({ fetches: ["y:1"] }),
      "TF5",
      /has 1 outputs/,
    ],
    [
      "an output index that is no number",
      request({ fetches: ["y:-1"] }),
      "TF3",
      /not the name/,
    ],
    [
      "an output index beyond all",
      request({ fetches: ["y:99999999999"] }),
      "TF3",
      /not the name/,
    ],
    [
      "too few bytes",
      request({ feeds: [feedX({ data: new Float32Array(1) })] }),
      "TF3",
      /4 bytes.*needs 8/,
    ],
    [
      "too many bytes",
      request({ feeds: [feedX({ data: new Float32Array(3) })] }),
      "TF3",
      /12 bytes.*needs 8/,
    ],
    [
      "another shape than the graph's",
      request({ feeds: [feedX({ shape: [1, 2] })] }),
      "TF3",
      /\[1,2\].*declares \[2\]/,
    ],
    [
      "another type than the graph's",
      request({ feeds: [feedX({ dtype: INT32 })] }),
      "TF3",
      /declares 1/,
    ],
    [
      "a negative dimension",
      request({ feeds: [feedX({ shape: [-2] })] }),
      "TF3",
      /whole number/,
    ],
    [
      "a broken dimension",
      request({ feeds: [feedX({ shape: [NaN] })] }),
      "TF3",
      /whole number/,
    ],
    [
      "a shape beyond all memory",
      request({ feeds: [feedX({ shape: [2 ** 53 - 1, 2 ** 53 - 1] })] }),
      "TF3",
      /declares|too large/,
    ],
    [
      "more dimensions than TensorFlow has",
      request({
        feeds: [feedX({ shape: Array.from({ length: 300 }, () => 1) })],
      }),
      "TF3",
      /254/,
    ],
    [
      "the same feed twice",
      request({ feeds: [feedX(), feedX()] }),
      "TF3",
      /fed|twice|multiple/i,
    ],
    ["a feed left out", request({ feeds: [] }), "TF3", /feed/],
    [
      "strings as bytes",
      request({ feeds: [feedX({ dtype: STRING })] }),
      "TF3",
      /cannot be fed/,
    ],
    [
      "a type that does not exist",
      request({ feeds: [feedX({ dtype: 1e6 })] }),
      "TF3",
      /cannot be fed/,
    ],
    [
      "feeds that are no list",
      request({ feeds: wrong("x") }),
      "TF3",
      /expected an array/,
    ],
    [
      "a feed that is no object",
      request({ feeds: [wrong(7)] }),
      "TF3",
      /expected an object/,
    ],
    [
      "data that is a list",
      request({ feeds: [feedX({ data: wrong([1, 2]) })] }),
      "TF3",
      /typed array/,
    ],
    [
      "a name that is no string",
      request({ fetches: [wrong({})] }),
      "TF3",
      /expected a string/,
    ],
    [
      "options that are no protocol buffer",
      request({ options: Uint8Array.of(255, 255, 255) }),
      "TF3",
      /RunOptions|parse/i,
    ],
    [
      "metadata that is no boolean",
      request({ metadata: wrong(1) }),
      "TF3",
      /true or false/,
    ],
    ["no request", wrong(null), "TF3", /expected an object/],
  ];
  test.each(cases)("%s", async (_, wrongRequest, code, message) => {
    const session = open(negate);
    const run = async () => addon.run(session, wrongRequest);
    await expect(run()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    const [result] = await addon.run(session, request());
    expect(floats(result?.data)).toEqual([-1, -2.5]);
  });

  test("a getter that throws passes its own error on", () => {
    const feed = {
      ...feedX(),
      get data(): never {
        throw new TypeError("mine");
      },
    };
    expect(() => addon.run(open(negate), request({ feeds: [feed] }))).toThrow(
      new TypeError("mine"),
    );
  });

  test("a getter that takes the buffer away leaves a size error, not a stale pointer", () => {
    const data = new Float32Array(2);
    const feed = {
      ...feedX({ data }),
      get shape() {
        structuredClone(data.buffer, { transfer: [data.buffer] });
        return [2];
      },
    };
    expect(() => addon.run(open(negate), request({ feeds: [feed] }))).toThrow(
      /0 bytes/,
    );
  });

  test("a graph that is none, a config that is none and a target that is none", () => {
    const bytes = Uint8Array.of(255, 255, 255);
    expect(() => addon.newSession(bytes, null, "")).toThrow(
      expect.objectContaining({ code: "TF3" }) as Error,
    );
    expect(() => addon.newSession(graphDef(negate), bytes, "")).toThrow(
      expect.objectContaining({ code: "TF3" }) as Error,
    );
    expect(() =>
      addon.newSession(graphDef(negate), null, "nowhere://x"),
    ).toThrow(/nowhere/);
    expect(() => addon.newSession(wrong("x"), null, "")).toThrow(/typed array/);
    expect(() =>
      addon.newSession(graphDef(negate), null, wrong(undefined)),
    ).toThrow(/expected a string/);
  });

  test("things that are no session are refused", () => {
    for (const thing of [
      undefined,
      null,
      7,
      "x",
      {},
      [],
      () => 1,
      new Proxy({}, {}),
    ])
      expect(() => addon.run(wrong(thing), request())).toThrow(
        /expected a session/,
      );
  });

  test("whatever else is handed in, the answer is an error of ours or TensorFlow's", async () => {
    const session = open(negate);
    const parts = fc.record({
      feeds: fc.oneof(fc.anything(), fc.array(fc.anything())),
      fetches: fc.oneof(fc.anything(), fc.array(fc.anything())),
      targets: fc.oneof(fc.anything(), fc.array(fc.anything())),
      options: fc.oneof(fc.anything(), fc.uint8Array()),
      metadata: fc.anything(),
    });
    const feed = fc.record({
      name: fc.oneof(fc.constant("x"), fc.string(), fc.anything()),
      dtype: fc.oneof(fc.constant(FLOAT), fc.anything()),
      shape: fc.oneof(fc.constant([2]), fc.array(fc.anything())),
      data: fc.oneof(fc.float32Array(), fc.float64Array(), fc.anything()),
    });
    const answer = async (thing: unknown) => {
      const run = async () => addon.run(session, wrong(thing));
      return run().catch((thrown: unknown) => thrown);
    };
    const isExpected = (given: unknown): boolean =>
      Array.isArray(given) ||
      (given instanceof Error &&
        "code" in given &&
        String(given.code).startsWith("TF"));
    await fc.assert(
      fc.asyncProperty(parts, feed, async (request, one) => {
        expect(await answer(request)).toSatisfy(isExpected);
        expect(
          await answer({
            ...request,
            options: null,
            metadata: false,
            feeds: [one],
            fetches: ["y"],
            targets: [],
          }),
        ).toSatisfy(isExpected);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test("a fetch of strings is refused before it runs", () => {
    const session = open([placeholder("x", [], STRING)]);
    expect(() =>
      addon.run(session, request({ feeds: [], fetches: ["x"] })),
    ).toThrow(/cannot be read as bytes/);
  });
});
