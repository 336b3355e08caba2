import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import { selectImages } from "../../../src/data/sources/select-images.ts";
import type { Source } from "../../../src/data/sources/source.ts";

const CLASSES = ["ant", "bee", "cat", "dog", "emu", "fox"];

/** A source whose files are their own numbers. */
function sourceOf(labels: readonly number[]): Source {
  return {
    identity: "numbers",
    classes: CLASSES,
    items: labels.map((label, index) => ({ origin: String(index), label })),
    leftOut: [],
    async read(wanted, visit) {
      for (const [position, index] of wanted.entries())
        await visit(position, Uint8Array.of(index));
    },
  };
}

const labelLists = fc.array(fc.integer({ min: 0, max: 5 }), {
  minLength: 1,
  maxLength: 60,
});
const originsOf = ({ items }: Source) => items.map(({ origin }) => origin);

/** What two selections take together; one that takes nothing is refused, and takes nothing here. */
function originsOfBoth(
  source: Source,
  ...selections: readonly Parameters<typeof selectImages>[1][]
): string[] {
  return selections.flatMap((selection) => {
    try {
      return originsOf(selectImages(source, selection));
    } catch (thrown) {
      if (!(thrown instanceof UserError && thrown.code === "data.source-empty"))
        throw thrown;
      return [];
    }
  });
}

const byNumber = (a: string, b: string) => Number(a) - Number(b);

describe("a selection of classes", () => {
  const source = sourceOf([0, 1, 2, 3, 4, 5, 3, 1]);

  it("keeps their images in the source's order and numbers them anew", () => {
    const chosen = selectImages(source, {
      classes: ["dog", "bee"],
      limit: null,
    });
    expect(chosen.classes).toEqual(["bee", "dog"]);
    expect(chosen.items).toEqual([
      { origin: "1", label: 0 },
      { origin: "3", label: 1 },
      { origin: "6", label: 1 },
      { origin: "7", label: 0 },
    ]);
  });

  it("can be said by remainders, for sources with many classes", () => {
    const choice = { every: 3, at: [0, 2] };
    const chosen = selectImages(source, { classes: choice, limit: null });
    expect(chosen.classes).toEqual(["ant", "cat", "dog", "fox"]);
  });

  it("and the rest of the classes are the whole, without an overlap", () => {
    fc.assert(
      fc.property(labelLists, (labels) => {
        const taken = originsOfBoth(
          sourceOf(labels),
          { classes: { every: 4, at: [0] }, limit: null },
          { classes: { every: 4, at: [1, 2, 3] }, limit: null },
        );
        expect(taken.toSorted(byNumber)).toEqual(
          labels.map((_, index) => String(index)),
        );
      }),
    );
  });

  it("reads the files that it lists", async () => {
    const chosen = selectImages(source, { classes: ["dog"], limit: null });
    const seen: [number, number][] = [];
    await chosen.read([1, 0], (position, file) => {
      seen.push([position, file[0] as number]);
      return Promise.resolve();
    });
    expect(seen).toEqual([
      [0, 6],
      [1, 3],
    ]);
  });

  it("limits what is left, as many of each class", () => {
    const chosen = selectImages(sourceOf([0, 0, 0, 1, 1, 1, 2]), {
      classes: ["ant", "bee"],
      limit: 2,
    });
    expect(originsOf(chosen)).toEqual(["0", "3"]);
  });

  it("names classes that there are not, and those that there are", () => {
    expect(() =>
      selectImages(source, { classes: ["dog", "gnu"], limit: null }),
    ).toThrow(
      expect.objectContaining({
        code: "data.class-unknown",
        message: expect.stringContaining("'gnu'"),
        hint: expect.stringContaining("ant, bee"),
      }),
    );
  });

  it("is refused where an image may have several classes", () => {
    const several = {
      ...source,
      items: [{ origin: "a", label: -1, labels: [0, 1] }],
    };
    expect(() =>
      selectImages(several, { classes: ["ant"], limit: null }),
    ).toThrow(expect.objectContaining({ code: "data.class-several" }));
  });
});

describe("a share of each class", () => {
  it("has its part of every class", () => {
    const source = sourceOf([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    const most = selectImages(source, { share: [0, 0.6], limit: null });
    expect(originsOf(most)).toEqual(["0", "1", "2", "5", "6", "7"]);
    expect(most.classes).toEqual(CLASSES);
  });

  it("and the next one meet: nothing twice, nothing left out", () => {
    const cut = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(labelLists, cut, (labels, at) => {
        const taken = originsOfBoth(
          sourceOf(labels),
          { share: [0, at], limit: null },
          { share: [at, 1], limit: null },
        );
        expect(taken.toSorted(byNumber)).toEqual(
          labels.map((_, index) => String(index)),
        );
      }),
    );
  });

  it("that holds no image is an error that says so", () => {
    expect(() =>
      selectImages(sourceOf([0, 1]), { share: [0, 0.1], limit: null }),
    ).toThrow(expect.objectContaining({ code: "data.source-empty" }));
  });
});

it("has another identity than the source and than another selection", () => {
  const source = sourceOf([0, 1, 2, 3]);
  const identities = [
    source,
    selectImages(source, { share: [0, 0.5], limit: 2 }),
    selectImages(source, { classes: ["ant", "bee"], limit: null }),
    selectImages(source, { classes: ["ant", "cat"], limit: null }),
  ].map(({ identity }) => identity);
  expect(new Set(identities).size).toBe(identities.length);
});
