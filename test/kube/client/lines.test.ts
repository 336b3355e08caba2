import { expect, it } from "vitest";
import * as fc from "fast-check";
import { readLines } from "../../../src/kube/client/lines.ts";
import { collect } from "../../support/collect.ts";

/** Cut into chunks, of which so many come at once. */
async function* toBursts(
  bytes: Uint8Array,
  cuts: readonly number[],
  atOnce = 1,
) {
  const at = [...cuts, bytes.length].sort((a, b) => a - b);
  const chunks = at.map((to, i) => bytes.subarray(at[i - 1] ?? 0, to));
  for (let from = 0; from < chunks.length; from += atOnce)
    yield await Promise.resolve(chunks.slice(from, from + atOnce));
}

it("lines are the same wherever the stream is cut, characters of many bytes too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 8 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (texts, cuts, atOnce) => {
        const lines = texts.map((text) => text.replaceAll("\n", ""));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const inside = cuts.map((cut) => Math.min(cut, bytes.length));
        const read = await collect(readLines(toBursts(bytes, inside, atOnce)));
        expect(read.flat()).toEqual(lines);
      },
    ),
  );
});

it("what follows the last end is a line, and nothing is none", async () => {
  const read = async (text: string) =>
    (await collect(readLines(toBursts(Buffer.from(text), [])))).flat();
  expect(await read("a\nb")).toEqual(["a", "b"]);
  expect(await read("a\n")).toEqual(["a"]);
  expect(await read("")).toEqual([]);
});
