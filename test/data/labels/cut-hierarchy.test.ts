import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LabelledClass } from "../../../src/data/labels/buckets.ts";
import {
  cutHierarchy,
  type HierarchyCut,
} from "../../../src/data/labels/cut-hierarchy.ts";
import { synsetOf, pathTo } from "../../../src/data/labels/synsets.ts";
import { WORDNET_NOUNS } from "../../../src/data/labels/wordnet-nouns.ts";

const cifar10 = [
  ..."airplane automobile bird cat deer".split(" "),
  ..."dog frog horse ship truck".split(" "),
].map((name): LabelledClass => ({ name, images: 100 }));
const cut = (
  own: Partial<HierarchyCut> & Pick<HierarchyCut, "buckets">,
  classes: readonly LabelledClass[] = cifar10,
) => cutHierarchy(classes, { smallest: 0, synsets: {}, ...own });
const namesOf = (
  buckets: ReturnType<typeof cutHierarchy>,
  classes: readonly LabelledClass[] = cifar10,
) => buckets.map((own) => own.classes.map((label) => classes[label]?.name));

/** Synsets that no other synset of the table has above it: ImageNet's classes and CIFAR's. */
const parents = new Set(
  [...WORDNET_NOUNS.matchAll(/^n\d{8} (n\d{8})/gm)].map(([, id]) => id),
);
const leaves = [...WORDNET_NOUNS.matchAll(/^(n\d{8}) /gm)]
  .map(([, id]) => id as string)
  .filter((id) => !parents.has(id));

describe("the cut through WordNet", () => {
  test.each([
    {
      name: "two labels of CIFAR-10 are animals and artifacts",
      buckets: 2,
      want: [
        ["airplane", "automobile", "ship", "truck"],
        ["bird", "cat", "deer", "dog", "frog", "horse"],
      ],
    },
    {
      name: "of three, the animals, which are most, are split into mammals and others, which are merged",
      buckets: 3,
      want: [
        ["airplane", "automobile", "ship", "truck"],
        ["bird", "frog"],
        ["cat", "deer", "dog", "horse"],
      ],
    },
    {
      name: "ten labels are the classes themselves",
      buckets: 10,
      want: cifar10.map(({ name }) => [name]),
    },
  ])("$name", ({ buckets, want }) => {
    expect(namesOf(cut({ buckets }))).toEqual(want);
  });

  test("it is the node with most images that is split, not that with most classes", () => {
    const manyShips = cifar10.map(({ name }) => ({
      name,
      images: name === "ship" ? 10_000 : 100,
    }));
    expect(namesOf(cut({ buckets: 3 }, manyShips))).toEqual([
      ["airplane", "ship"],
      ["automobile", "truck"],
      ["bird", "cat", "deer", "dog", "frog", "horse"],
    ]);
  });

  test("ImageNet's leaves: two labels are nearly one, and with a smallest share living things and artifacts", () => {
    const classes = leaves.map((name) => ({ name, images: 1300 }));
    const sizes = (own: Partial<HierarchyCut>) =>
      cut({ buckets: 2, ...own }, classes).map(({ classes: c }) => c.length);
    const [physical = 0, abstract = 0] = sizes({});
    expect(abstract).toBeLessThan(5);
    expect(physical + abstract).toBe(leaves.length);
    const [living] = cut({ buckets: 2, smallest: 0.1 }, classes);
    expect(living?.name).toMatch(/^living thing n00004258/);
    expect(Math.min(...sizes({ smallest: 0.1 }))).toBeGreaterThan(400);
  });

  test("a class above another one is a label of its own when its synset is split", () => {
    // Carnivore stands above dog and cat.
    const classes = ["n02075296", "dog", "cat"].map((name) => ({
      name,
      images: 10,
    }));
    expect(namesOf(cut({ buckets: 3 }, classes), classes)).toEqual([
      ["n02075296"],
      ["dog"],
      ["cat"],
    ]);
  });

  test("exactly K labels, each class in one, none empty, none below the smallest share; or none where too few classes hold it", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(leaves, { minLength: 20, maxLength: 120 }),
        fc.integer({ min: 2, max: 12 }),
        fc.constantFrom(0, 0.02),
        fc.infiniteStream(fc.integer({ min: 1, max: 1000 })),
        (names, buckets, smallest, sizes) => {
          const classes = names.map((name) => ({
            name,
            images: Number(sizes.next().value),
          }));
          const all = classes.reduce((sum, { images }) => sum + images, 0);
          const enough = Math.max(1, smallest * all);
          let found: ReturnType<typeof cut>;
          try {
            found = cut({ buckets, smallest }, classes);
          } catch (thrown) {
            // Splitting went down to the classes themselves, and too few of them are large.
            expect(thrown).toMatchObject({ code: "labels.too-many-buckets" });
            expect(
              classes.filter(({ images }) => images >= enough).length,
            ).toBeLessThan(buckets);
            return;
          }
          expect(found).toHaveLength(buckets);
          expect(
            found.flatMap((own) => own.classes).toSorted((a, b) => a - b),
          ).toEqual([...names.keys()]);
          for (const own of found) {
            const images = own.classes.reduce(
              (sum, label) => sum + (classes[label]?.images ?? 0),
              0,
            );
            expect(images).toBeGreaterThanOrEqual(enough);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("classes that WordNet does not know are named; declared ones are known", () => {
    const classes = [...cifar10, { name: "puppy", images: 3 }];
    expect(() => cut({ buckets: 2 }, classes)).toThrow(
      expect.objectContaining({
        code: "labels.no-synset",
        message: expect.stringContaining("puppy") as string,
      }),
    );
    const found = cut({ buckets: 2, synsets: { puppy: "n02084071" } }, classes);
    expect(namesOf(found, classes)[1]).toContain("puppy");
  });

  test("more labels than synsets are refused", () => {
    const classes = ["dog", "n02084071", "cat"].map((name) => ({
      name,
      images: 1,
    }));
    expect(() => cut({ buckets: 3 }, classes)).toThrow(
      expect.objectContaining({ code: "labels.too-many-buckets" }),
    );
  });
});

test("the table has every path up to `entity`, and WordNet's licence", () => {
  expect(leaves.length).toBeGreaterThan(1000);
  for (const id of leaves)
    expect(pathTo(synsetOf(id) as never)[0]?.word).toBe("entity");
  expect(WORDNET_NOUNS).toContain(
    "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved.",
  );
});
