import { expect, test } from "vitest";
import {
  ExitCode,
  StoppedError,
  systemCode,
  toError,
  toExitCode,
  TransientError,
  UserError,
} from "../../src/base/errors.ts";

test.each([
  [new UserError({ code: "a", message: "bad data" }), ExitCode.data],
  [
    new UserError({
      code: "a",
      message: "bad option",
      exitCode: ExitCode.usage,
    }),
    ExitCode.usage,
  ],
  [new TransientError({ code: "a", message: "later" }), ExitCode.temporary],
  [new StoppedError("saved"), ExitCode.stopped],
  [new TypeError("a bug"), ExitCode.bug],
  ["a thrown string", ExitCode.bug],
])("%s ends a process with %d", (thrown, want) => {
  expect(toExitCode(thrown)).toBe(want);
});

test("what was thrown and is no error becomes one that says so", () => {
  expect(toError("boo").message).toContain("boo");
  const error = new Error("kept");
  expect(toError(error)).toBe(error);
});

test("a system error has a code, other values have none", () => {
  const error = Object.assign(new Error("no"), { code: "ENOSPC" });
  expect(systemCode(error)).toBe("ENOSPC");
  expect(systemCode(new Error("no"))).toBeNull();
  expect(systemCode("ENOSPC")).toBeNull();
});

test("a wrapped failure keeps its cause and hint", () => {
  const cause = new Error("below");
  const error = new UserError({
    code: "x.y",
    message: "above",
    hint: "do",
    cause,
  });
  expect(error).toMatchObject({
    cause,
    hint: "do",
    code: "x.y",
    name: "UserError",
  });
});
