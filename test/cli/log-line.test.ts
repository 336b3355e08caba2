import { expect, test } from "vitest";
import { formatLogLine, toJsonLine } from "../../src/cli/log-line.ts";

const plain = (_style: string, text: string): string => text;
const line = (fields: object): string =>
  JSON.stringify({
    level: "info",
    time: "2026-03-04T05:06:07.890Z",
    run: "tiny-1",
    task: "pretrain",
    ...fields,
  });

test.each([
  [
    "a message with its fields, without what the reader knows",
    line({ outcome: "committed", steps: 12, msg: "worker ended" }),
    "05:06:07 info  worker ended outcome=committed steps=12",
  ],
  [
    "progress as steps and detail",
    line({
      progress: { step: 5, steps: 10, detail: "loss 2.5" },
      msg: "progress",
    }),
    "05:06:07 info  5/10 loss 2.5",
  ],
  ["a library's own words as they are", "W0000 something", "W0000 something"],
  ["a line that a kill cut off as it is", '{"level":"in', '{"level":"in'],
])("shows %s", (_name, given, want) => {
  expect(formatLogLine(given, plain)).toBe(want);
});

test("for programs every line is JSON that names its task, a library's own words too", () => {
  const own = line({ msg: "worker ended" });
  expect(toJsonLine(own, "pretrain")).toBe(own);
  expect(JSON.parse(toJsonLine("W0000 something", "pretrain"))).toEqual({
    task: "pretrain",
    msg: "W0000 something",
  });
});
