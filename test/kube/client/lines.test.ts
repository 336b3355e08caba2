import { expect, it } from "vitest";
import * as fc from "fast-check";
import { readLines } from "../../../src/kube/client/lines.ts";
import { collect } from "../../support/collect.ts";

async function* toChunks(bytes: Uint8Array, cuts: readonly number[]) {
  const at = [...cuts, bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of at) {
    yield await Promise.resolve(bytes.subarray(from, to));
    from = Math.max(from, to);
  }
}

it("lines are the same wherever the stream is cut, characters of many bytes too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 8 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 8 }),
      async (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll("\n", ""));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const inside = cuts.map((cut) => Math.min(cut, bytes.length));
        expect(await collect(readLines(toChunks(bytes, inside)))).toEqual(
          lines,
        );
      },
    ),
  );
});

it("what follows the last end is a line, and nothing is none", async () => {
  const read = (text: string) =>
    collect(readLines(toChunks(Buffer.from(text), [])));
  expect(await read("a\nb")).toEqual(["a", "b"]);
  expect(await read("a\n")).toEqual(["a"]);
  expect(await read("")).toEqual([]);
});
