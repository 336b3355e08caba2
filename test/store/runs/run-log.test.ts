import { describe, expect, it } from "vitest";
import type { LogFields, Logger } from "../../../src/base/log.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { openRunLog } from "../../../src/store/runs/run-log.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";

const line = (text: string): Uint8Array =>
  new TextEncoder().encode(`${text}\n`);

describe("a task's log", () => {
  it("has all lines in order, with one write for many", async () => {
    const inner = createMemoryStore();
    let appends = 0;
    const append: typeof inner.append = async (path, bytes) => {
      appends++;
      await inner.append(path, bytes);
    };
    const file = openRunLog({
      store: { ...inner, append },
      path: "logs/a",
      log: silentLogger,
    });
    for (let i = 0; i < 100; i++) file.write(line(String(i)));
    await file.close();
    const bytes = await inner.read("logs/a");
    const want = Array.from({ length: 100 }, (_, i) => `${i}\n`).join("");
    expect(Buffer.from(bytes ?? []).toString()).toBe(want);
    expect(appends).toBeLessThan(5);
  });

  it("says once how much a store refused, and goes on", async () => {
    const warnings: LogFields[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: (fields) => {
        warnings.push(fields);
      },
    };
    const append = async (): Promise<void> => {
      throw new Error("no space left");
    };
    const store = { ...createMemoryStore(), append };
    const file = openRunLog({ store, path: "logs/a", log });
    file.write(line("one"));
    file.write(line("two"));
    await file.close();
    expect(warnings).toEqual([
      { path: "logs/a", lostBytes: 8, reason: "no space left" },
    ]);
  });
});
