import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWorkerLine } from "../../../src/executor/worker-line.ts";
import { createWorkerLog } from "../../../src/executor/local/worker-log.ts";

function createLog() {
  const written: Uint8Array[] = [];
  const log = createWorkerLog({
    write: (bytes) => {
      written.push(bytes);
    },
  });
  const text = (): string => Buffer.concat(written).toString();
  return { log, text, written };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a worker's log", () => {
  it("keeps every line whole, however the output is cut into chunks", () => {
    const lines = fc.array(
      fc
        .string({ unit: "grapheme" })
        .filter((s) => !s.includes("\n") && s !== ""),
    );
    fc.assert(
      fc.property(lines, fc.array(fc.nat(20)), (wanted, cuts) => {
        const { log, text } = createLog();
        const input = log.createInput();
        let rest = bytesOf(wanted.map((line) => `${line}\n`).join(""));
        for (const cut of cuts) {
          input.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        input.push(rest);
        input.end();
        expect(text()).toBe(wanted.map((line) => `${line}\n`).join(""));
      }),
    );
  });

  it("does not mix the lines of two streams", () => {
    const { log, text } = createLog();
    const [out, err] = [log.createInput(), log.createInput()];
    out.push(bytesOf("one "));
    err.push(bytesOf("two\n"));
    out.push(bytesOf("line\n"));
    expect(text()).toBe("two\none line\n");
  });

  it("ends a last line that the worker did not end", () => {
    const { log, text } = createLog();
    const input = log.createInput();
    input.push(bytesOf("cut off"));
    input.end();
    expect(text()).toBe("cut off\n");
    expect(log.tail()).toEqual(["cut off"]);
  });

  it("cuts a line that never ends, so that it cannot fill the driver's memory", () => {
    const { log, written } = createLog();
    const input = log.createInput();
    for (let i = 0; i < 100; i++) input.push(bytesOf("x".repeat(10_000)));
    expect(written.length).toBeGreaterThan(10);
    for (const line of written) expect(line.byteLength).toBeLessThan(80_000);
  });

  it("remembers the last error, the last progress, and the last words that no logger wrote", () => {
    const { log } = createLog();
    const input = log.createInput();
    const say = (value: object | string): void => {
      input.push(
        bytesOf(
          `${typeof value === "string" ? value : JSON.stringify(value)}\n`,
        ),
      );
    };
    say({ level: "error", code: "first", msg: "first" });
    say({
      level: "info",
      msg: "progress",
      progress: { step: 3, steps: 9, detail: "loss 2" },
    });
    say({ level: "error", code: "last", msg: "last", hint: "try" });
    for (let i = 1; i <= 7; i++) say(`word ${i}`);
    expect(log.lastError()).toEqual({
      code: "last",
      message: "last",
      hint: "try",
    });
    expect(log.lastProgress()).toEqual({
      step: 3,
      steps: 9,
      detail: "loss 2",
      waiting: null,
    });
    expect(log.tail()).toEqual([
      "word 3",
      "word 4",
      "word 5",
      "word 6",
      "word 7",
    ]);
  });
});

describe("a worker's line", () => {
  it.each([
    ["text", "hello", { text: "hello" }],
    ["something like JSON", "{oops", { text: "{oops" }],
    ["a JSON list", "[1]", { text: "[1]" }],
    [
      "an error by number",
      '{"level":50,"msg":"m"}',
      { error: { code: null, message: "m", hint: null } },
    ],
    [
      "an error without a message",
      '{"level":"error"}',
      { error: { message: "no message" } },
    ],
    [
      "progress that is none",
      '{"progress":{"step":"1"}}',
      { progress: null, text: null },
    ],
    [
      "a training that waits for images",
      '{"progress":{"step":1,"steps":2,"detail":"","loader":{"bottleneck":"decode","trainerWaitMs":250,"wallMs":1000}}}',
      { progress: { step: 1, waiting: { for: "decode", share: 0.25 } } },
    ],
    [
      "a training whose images come in time",
      '{"progress":{"step":1,"steps":2,"detail":"","loader":{"bottleneck":"training","trainerWaitMs":9,"wallMs":1000}}}',
      { progress: { step: 1, waiting: null } },
    ],
    [
      "a loader that makes no sense",
      '{"progress":{"step":1,"steps":2,"detail":"","loader":{"bottleneck":"decode","wallMs":"long"}}}',
      { progress: { step: 1, waiting: null } },
    ],
    ["a warning", '{"level":"warn","msg":"m"}', { error: null, text: null }],
  ])("%s", (_, line, want) => {
    expect(readWorkerLine(line)).toMatchObject(want);
  });
});
