import { expect, it } from "vitest";
import { storeRunOf } from "../../src/resources/store-run.ts";
import { buildRun } from "../support/run-objects.ts";

it("names the run of the store after the object and the beginning of its uid", () => {
  expect(storeRunOf(buildRun())).toBe("tiny-0a1b2c3d");
});

it("gives two objects of one name two runs", () => {
  const again = buildRun({ uid: "ffffffff-4e5f-6071-8293-a4b5c6d7e8f9" });
  expect(storeRunOf(again)).not.toBe(storeRunOf(buildRun()));
});

it("cuts a long name, and leaves no dash where it was cut", () => {
  const name = `${"a".repeat(51)}-bcd`;
  expect(storeRunOf(buildRun({ name }))).toBe(`${"a".repeat(51)}-0a1b2c3d`);
});
