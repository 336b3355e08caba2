import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCell,
  formatDuration,
  formatNumber,
  formatRange,
  formatSigned,
  toPlainText,
} from "../../src/report/format.ts";

describe("numbers in print", () => {
  it("have a true minus sign and never a negative zero", () => {
    expect(formatNumber(-0.84, 1)).toBe("−0.8");
    expect(formatNumber(-0.04, 1)).toBe("0.0");
    expect(formatNumber(12, 0)).toBe("12");
  });

  it("carry their sign as differences, zero excepted", () => {
    expect(formatSigned(8, 1)).toBe("+8.0");
    expect(formatSigned(-8, 1)).toBe("−8.0");
    expect(formatSigned(0.04, 1)).toBe("0.0");
  });

  it("stand in ranges with the sign of each end", () => {
    expect(formatRange([-0.3, 8.66], 1, true)).toBe("−0.3 to +8.7");
  });
});

describe("other quantities in print", () => {
  it.each([
    [850, "850 ms"],
    [12_340, "12.3 s"],
    [59_960, "1 min 00 s"],
    [245_000, "4 min 05 s"],
    [3_599_700, "1 h 00 min"],
    [7_620_000, "2 h 07 min"],
  ])("%i ms are %s", (ms, want) => {
    expect(formatDuration(ms)).toBe(want);
  });

  it("says memory in binary units", () => {
    expect(formatBytes(412 * 2 ** 20)).toBe("412 MiB");
    expect(formatBytes(1.44 * 2 ** 30)).toBe("1.4 GiB");
  });

  it("says a cell by its axes", () => {
    expect(formatCell({ weights: "pretrain", seed: 5 })).toBe(
      "weights pretrain, seed 5",
    );
  });
});

describe("text from outside", () => {
  it("can not turn the figures behind it around, or carry control characters", () => {
    expect(toPlainText("a\u202eb\u2066c\u0000d\te")).toBe(
      "a\uFFFDb\uFFFDc\uFFFDd\te",
    );
  });
});
