import { describe, expect, test } from "vitest";
import {
  encodeLabelMarks,
  findMarksDefect,
  readMarksOf,
  toMarks,
} from "../../../src/data/shards/label-marks.ts";

const file = encodeLabelMarks(
  [
    toMarks(4, { shown: [1, 3], difficult: [] }),
    toMarks(4, { shown: [0], difficult: [0, 2] }),
  ],
  4,
);

describe("label marks", () => {
  test("a class is shown, absent or unknown; where it is both shown and difficult, it is shown", () => {
    expect(findMarksDefect(file, 2)).toBeNull();
    expect([...readMarksOf(file)]).toEqual([0, 1, 0, 1, 1, 0, 255, 0]);
  });

  test("the header is 24 bytes, so that other programs find the marks behind it", () => {
    const view = Buffer.from(file);
    expect(view.toString("latin1", 0, 7)).toBe("HUELMRK");
    expect([8, 12, 16].map((at) => view.readUInt32LE(at))).toEqual([1, 2, 4]);
    expect(view.length).toBe(24 + 2 * 4);
  });

  test.each([
    ["cut off", (bytes: Buffer) => bytes.subarray(0, 30), "instead of 32"],
    ["another file", () => Buffer.alloc(40), "it holds no marks"],
    ["another version", (bytes: Buffer) => changed(bytes, 8, 9), "version 9"],
    ["a changed mark", (bytes: Buffer) => changed(bytes, 25, 0), "checksum"],
  ])("%s is told", (_name, damage, want) => {
    expect(findMarksDefect(damage(Buffer.from(file)), 2)).toContain(want);
  });

  test("a mark that there is not is told too", () => {
    const odd = encodeLabelMarks([Uint8Array.of(7)], 1);
    expect(findMarksDefect(odd, 1)).toBe("it has a mark 7");
  });
});

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
