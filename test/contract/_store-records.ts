/** Part of the stores' contract: who wins when several write one path. */
import { describe, expect, test } from "vitest";
import { mustWrite, pathsOf, text, toText } from "./_store-support.ts";
import type { OpenedStore } from "./_store-support.ts";

/** `at` is filled anew before each test. */
export function describeRaces(at: OpenedStore): void {
  describe("conditional puts", () => {
    test("the second one answers exists and changes nothing", async () => {
      expect(await at.store.putIfAbsent("m", text("first"))).toBe("written");
      expect(await at.again().putIfAbsent("m", text("second"))).toBe("exists");
      expect(toText(await at.store.read("m"))).toBe("first");
    });

    test("of eight writers at once, one wins, in each of 40 rounds, and its bytes stand", async () => {
      const writers = Array.from({ length: 8 }, () => at.again());
      for (let round = 0; round < 40; round++) {
        const path = `race/${round}/manifest.json`;
        const outcomes = await Promise.all(
          writers.map((writer, i) => writer.putIfAbsent(path, text(`${i}`))),
        );
        const winners = outcomes.flatMap((outcome, i) =>
          outcome === "written" ? [`${i}`] : [],
        );
        expect(winners).toHaveLength(1);
        expect(toText(await at.store.read(path))).toBe(winners[0]);
      }
    });
  });

  describe("records", () => {
    test("the first write expects none, and the etag it gives is the one that is read", async () => {
      expect(await at.store.readRecord("claims/k.json")).toBeNull();
      const outcome = await at.store.swap("claims/k.json", text("1"), null);
      const read = await at.again().readRecord("claims/k.json");
      expect(toText(read?.bytes)).toBe("1");
      expect(outcome).toEqual({ kind: "written", etag: read?.etag });
    });

    test("a swap that expects another state changes nothing", async () => {
      const first = await mustWrite(at.store.swap("r", text("1"), null));
      const second = await mustWrite(at.store.swap("r", text("2"), first));
      for (const expected of [null, first, `${second}x`, "", "../r"])
        expect(await at.store.swap("r", text("3"), expected)).toEqual({
          kind: "changed",
        });
      expect(toText((await at.store.readRecord("r"))?.bytes)).toBe("2");
    });

    test("an etag does not come back when the same bytes do", async () => {
      const first = await mustWrite(at.store.swap("r", text("A"), null));
      const second = await mustWrite(at.store.swap("r", text("B"), first));
      await mustWrite(at.store.swap("r", text("A"), second));
      expect(await at.store.swap("r", text("C"), first)).toEqual({
        kind: "changed",
      });
    });

    test("an expected state of a record that never was is changed", async () => {
      const etag = await mustWrite(at.store.swap("r", text("1"), null));
      expect(await at.store.swap("other", text("1"), etag)).toEqual({
        kind: "changed",
      });
      expect(await at.store.readRecord("other")).toBeNull();
    });

    test("a removed record is absent, can be made anew, and does not accept an older state", async () => {
      const first = await mustWrite(at.store.swap("r", text("1"), null));
      await at.store.remove("r");
      expect(await at.store.readRecord("r")).toBeNull();
      expect(await at.store.stat("r")).toBeNull();
      expect(await at.store.read("r")).toBeNull();
      expect(await pathsOf(at.store, "")).toEqual([]);
      expect(await at.store.swap("r", text("zombie"), first)).toEqual({
        kind: "changed",
      });
      await at.store.remove("r");
      await mustWrite(at.store.swap("r", text("2"), null));
      expect(await at.store.swap("r", text("zombie"), first)).toEqual({
        kind: "changed",
      });
      expect(toText((await at.store.readRecord("r"))?.bytes)).toBe("2");
    });

    test("eight clients that make one record at once: one makes it, in each of 20 rounds", async () => {
      const clients = Array.from({ length: 8 }, () => at.again());
      for (let round = 0; round < 20; round++) {
        const outcomes = await Promise.all(
          clients.map((client, i) =>
            client.swap(`new/${round}`, text(`${i}`), null),
          ),
        );
        const winner = outcomes.findIndex(({ kind }) => kind === "written");
        expect(outcomes.filter(({ kind }) => kind === "written")).toHaveLength(
          1,
        );
        const read = await at.store.readRecord(`new/${round}`);
        expect(toText(read?.bytes)).toBe(`${winner}`);
      }
    });

    test("eight clients that count up together lose no step and never see one go back", async () => {
      const clients = Array.from({ length: 8 }, () => at.again());
      const acknowledged: number[] = [];
      await Promise.all(
        clients.map(async (client) => {
          let newest = 0;
          for (let done = 0; done < 12;) {
            const read = await client.readRecord("count");
            const value = Number(toText(read?.bytes) ?? 0);
            expect(value).toBeGreaterThanOrEqual(newest);
            const next = text(String(value + 1));
            const outcome = await client.swap(
              "count",
              next,
              read?.etag ?? null,
            );
            newest = value;
            if (outcome.kind === "changed") continue;
            newest = value + 1;
            acknowledged.push(value + 1);
            done++;
          }
        }),
      );
      const wanted = Array.from({ length: 96 }, (_, i) => i + 1);
      expect(acknowledged.sort((a, b) => a - b)).toEqual(wanted);
      expect(toText((await at.store.readRecord("count"))?.bytes)).toBe("96");
    });

    test("a record is listed, looked at and shown to people under its own path", async () => {
      await at.store.put("claims/a.json", text("plain"));
      const etag = await mustWrite(
        at.store.swap("claims/b.json", text("x"), null),
      );
      await mustWrite(at.store.swap("claims/b.json", text("four"), etag));
      expect(await pathsOf(at.store, "")).toEqual([
        "claims/a.json",
        "claims/b.json",
      ]);
      expect(await at.store.stat("claims/b.json")).toMatchObject({
        path: "claims/b.json",
        sizeBytes: 4,
      });
      expect(toText(await at.store.read("claims/b.json"))).toBe("four");
    });

    test("one path used both ways is a bug that shows", async () => {
      await mustWrite(at.store.swap("record", text("1"), null));
      await at.store.put("plain", text("1"));
      await expect(at.store.put("record", text("2"))).rejects.toThrow(/both/);
      await expect(at.store.putIfAbsent("record", text("2"))).rejects.toThrow(
        /both/,
      );
      await expect(at.store.swap("plain", text("2"), null)).rejects.toThrow(
        /both/,
      );
      expect(toText((await at.store.readRecord("record"))?.bytes)).toBe("1");
      expect(toText(await at.store.read("plain"))).toBe("1");
    });
  });
}
