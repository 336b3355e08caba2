import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import type { KubeObject } from "../../src/kube/kube.ts";
import {
  createObjectCache,
  isNewerVersion,
} from "../../src/kube/object-cache.ts";

type Pod = KubeObject;
const pod = (
  name: string,
  uid: string,
  version: number,
  run = "none",
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "team",
    uid,
    resourceVersion: String(version),
    labels: { run },
  },
});
const create = () =>
  createObjectCache<Pod>((object) => object.metadata.labels?.["run"] ?? null);

describe("a cache of objects", () => {
  it("keeps the newer state, whatever comes last", () => {
    const cache = create();
    expect(cache.put(pod("a", "1", 10))).toBe(true);
    expect(cache.put(pod("a", "1", 9))).toBe(false);
    expect(cache.put(pod("a", "1", 10))).toBe(false);
    expect(cache.get("team", "a")?.metadata.resourceVersion).toBe("10");
  });

  it("believes a list whatever was known: a server restored from a backup has lower versions", () => {
    const cache = create();
    cache.put(pod("a", "1", 100, "new"));
    cache.put(pod("b", "2", 101));
    const told = cache.replaceAll([pod("a", "1", 50, "old")]);
    expect(told.map(({ metadata }) => metadata.name).sort()).toEqual([
      "a",
      "b",
    ]);
    expect(cache.byIndex("old")).toHaveLength(1);
    expect(cache.byIndex("new")).toEqual([]);
    expect(cache.replaceAll([pod("a", "1", 50, "old")])).toEqual([]);
    expect(cache.put(pod("a", "1", 51))).toBe(true);
  });

  it("takes the same name with another uid for another object", () => {
    const cache = create();
    cache.put(pod("a", "1", 10, "old"));
    expect(cache.put(pod("a", "2", 12, "new"))).toBe(true);
    expect(cache.byIndex("old")).toEqual([]);
    expect(cache.put(pod("a", "1", 11))).toBe(false);
    expect(cache.remove(pod("a", "1", 13))).toBe(false);
    expect(cache.get("team", "a")?.metadata.uid).toBe("2");
  });

  it("does not bring back what is gone", () => {
    const cache = create();
    cache.put(pod("a", "1", 10));
    expect(cache.remove(pod("a", "1", 12))).toBe(true);
    expect(cache.put(pod("a", "1", 11))).toBe(false);
    expect(cache.list()).toEqual([]);
  });

  it("finds by an index that follows the object", () => {
    const cache = create();
    cache.put(pod("a", "1", 1, "x"));
    cache.put(pod("b", "2", 2, "x"));
    cache.put(pod("a", "1", 3, "y"));
    const namesOf = (value: string) =>
      cache.byIndex(value).map(({ metadata }) => metadata.name);
    expect([namesOf("x"), namesOf("y")]).toEqual([["b"], ["a"]]);
  });

  it("tells what a list shows to have come, changed and gone, and nothing else", () => {
    const cache = create();
    [pod("same", "1", 1), pod("changed", "2", 2), pod("gone", "3", 3)].forEach(
      cache.put,
    );
    const news = cache.replaceAll([
      pod("same", "1", 1),
      pod("changed", "2", 9),
      pod("new", "4", 5),
    ]);
    expect(news.map(({ metadata }) => metadata.name).sort()).toEqual([
      "changed",
      "gone",
      "new",
    ]);
    expect(cache.list()).toHaveLength(3);
  });

  it("ends in the same state however events are repeated and mixed up, as long as all come", () => {
    const events = [
      { isGone: false, object: pod("a", "1", 1, "x") },
      { isGone: false, object: pod("a", "1", 2, "y") },
      { isGone: false, object: pod("b", "2", 3, "x") },
      { isGone: true, object: pod("a", "1", 4, "y") },
      { isGone: false, object: pod("b", "2", 5, "z") },
    ];
    const extra = fc.array(fc.nat({ max: events.length - 1 }));
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
    fc.assert(
      fc.property(order, extra, (all, again) => {
        const cache = create();
        for (const n of [...all, ...again]) {
          const { isGone, object } = events[n] as (typeof events)[number];
          if (isGone) cache.remove(object);
          else cache.put(object);
        }
        expect(cache.list()).toEqual([pod("b", "2", 5, "z")]);
        expect(cache.byIndex("z")).toHaveLength(1);
        expect([...cache.byIndex("x"), ...cache.byIndex("y")]).toEqual([]);
      }),
    );
  });
});

it("versions grow as numbers do, however long; what is no number is new when it is another", () => {
  expect(isNewerVersion("10", "9")).toBe(true);
  expect(isNewerVersion("9", "10")).toBe(false);
  expect(isNewerVersion("18446744073709551615", "18446744073709551614")).toBe(
    true,
  );
  expect(isNewerVersion("b", "a")).toBe(true);
  expect(isNewerVersion("a", "a")).toBe(false);
});
