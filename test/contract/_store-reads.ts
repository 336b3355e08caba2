/** Part of the stores' contract: bytes read to where the caller wants them, and links. */
import { describe, expect, test } from "vitest";
import { codeOf, text, toText } from "./_store-support.ts";
import type { OpenedStore } from "./_store-support.ts";

/** `at` is filled anew before each test. */
export function describeReads(at: OpenedStore): void {
  describe("reading into the caller's memory", () => {
    test.each([
      { kind: "its own", toTarget: () => new Uint8Array(6) },
      {
        kind: "shared",
        toTarget: () => new Uint8Array(new SharedArrayBuffer(6)),
      },
      {
        kind: "a part of other",
        toTarget: () => new Uint8Array(new SharedArrayBuffer(20), 7, 6),
      },
    ])(
      "fills exactly the target: memory that is $kind",
      async ({ toTarget }) => {
        await at.store.put("digits", text("0123456789"));
        const target = toTarget();
        expect(await at.store.readInto("digits", 3, target)).toBe(true);
        expect(Buffer.from(target).toString()).toBe("345678");
        const around = Buffer.from(target.buffer).toString("latin1");
        expect(around.replaceAll("\0", "")).toBe("345678");
      },
    );

    test("of some megabytes, in pieces in any order, gives what was put", async () => {
      const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => i * 31);
      await at.store.put("large", bytes);
      const whole = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
      const pieces = [2_000_000, 0, 1_000_000].map((offset) =>
        at.store.readInto(
          "large",
          offset,
          whole.subarray(
            offset,
            offset === 2_000_000 ? undefined : offset + 1_000_000,
          ),
        ),
      );
      expect(await Promise.all(pieces)).toEqual([true, true, true]);
      expect(Buffer.compare(whole, bytes)).toBe(0);
    });

    test("an absent object is false, and an empty target is filled at once", async () => {
      expect(await at.store.readInto("none", 0, new Uint8Array(3))).toBe(false);
      expect(await at.store.readInto("none", 0, new Uint8Array())).toBe(false);
      await at.store.put("digits", text("0123456789"));
      expect(await at.store.readInto("digits", 10, new Uint8Array())).toBe(
        true,
      );
    });

    test("a target that the object does not fill is refused", async () => {
      await at.store.put("digits", text("0123456789"));
      for (const offset of [8, 10, 200])
        expect(
          await codeOf(at.store.readInto("digits", offset, new Uint8Array(3))),
        ).toBe("store.range");
    });

    test("a log of several appends is read as the one object that it is", async () => {
      await at.store.append("a.log", text("one\n"));
      await at.store.append("a.log", text("two\n"));
      const target = new Uint8Array(3);
      expect(await at.store.readInto("a.log", 4, target)).toBe(true);
      expect(toText(target)).toBe("two");
    });
  });

  describe("links", () => {
    test("a link is a URL, or the store has none; the object need not exist", async () => {
      const link = await at.store.link("reports/no such.html", 60);
      if (link === null) expect(at.store.url).toBe("memory:");
      else expect(new URL(link).pathname).toMatch(/reports\/no%20such\.html$/);
    });

    test("a path that is none has no link", async () => {
      await expect(at.store.link("../secret", 60)).rejects.toThrow();
    });
  });
}
