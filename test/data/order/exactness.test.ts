import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { below } from "../../../src/base/random.ts";
import { FULL_SHUFFLE_BYTES } from "../../../src/data/order/training-order.ts";
import {
  compare,
  openReading,
  readHere,
  readInProcesses,
  type Dataset,
  type Part,
  type Reading,
  type World,
} from "../../support/exactness.ts";
import {
  createPhotographs,
  packFiles,
} from "../../support/packed-photographs.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const IMAGES = 200;
const STEPS = 9;
const EXACT = { missing: 0, repeated: 0, different: 0 };

type Point = readonly [number: number, first: World, second: World];
const inStreams: readonly Point[] = [
  [1, { ranks: 2, workers: 2 }, { ranks: 1, workers: 3 }],
  [2, { ranks: 1, workers: 1 }, { ranks: 4, workers: 1 }],
  [3, { ranks: 1, workers: 4 }, { ranks: 8, workers: 1 }],
];
const inOneShuffle: readonly Point[] = [
  [4, { ranks: 1, workers: 1 }, { ranks: 2, workers: 2 }],
];

/** Nine steps of 32 end in the second epoch. The long run, of every number of ranks and workers: bench/exactness.ts. */
describe.each([
  { name: "in streams", fullShuffleBytes: 0, points: inStreams },
  {
    name: "that is one shuffle",
    fullShuffleBytes: FULL_SHUFFLE_BYTES,
    points: inOneShuffle,
  },
])("an order $name, read by the loader", ({ fullShuffleBytes, points }) => {
  let temporary: Awaited<ReturnType<typeof openTemporaryFolder>>;
  let reading: Reading;
  let dataset: Dataset;
  let wanted: Part[];
  beforeAll(async () => {
    temporary = await openTemporaryFolder();
    const { folder } = temporary;
    const files = await createPhotographs(IMAGES);
    const packed = await packFiles(folder, { files, shards: 8 });
    reading = {
      storeUrl: packed.store.url,
      key: packed.catalog.key,
      seed: 3,
      batch: 32,
      side: 40,
      fullShuffleBytes,
      blockBytes: 8000,
      cacheDirectory: null,
    };
    dataset = await openReading(reading);
    wanted = await readHere(reading, dataset, {
      world: { ranks: 1, workers: 2 },
      steps: { from: 0, to: STEPS },
    });
  });
  afterAll(async () => {
    await temporary.remove();
  });

  it("has every photograph once in an epoch, in the order that was computed", () => {
    const read = wanted.flat().map((image) => image.split("/").map(Number));
    expect(read.map(([epoch, sample]) => ({ epoch, sample }))).toEqual(
      Array.from({ length: STEPS * 32 }, (_, q) => {
        const { epoch, sample } = dataset.order.at(q);
        return { epoch, sample };
      }),
    );
    const pixels = new Set(wanted.flat());
    expect(pixels.size).toBe(STEPS * 32);
  });

  it.each(points)(
    "goes on after an interruption as if there had been none (%i: %o, then %o)",
    async (point, first, second) => {
      const saved = below(STEPS - 1, point, 0);
      const end = saved + 1 + below(STEPS - 1 - saved, point, 1);
      const cached = {
        ...reading,
        cacheDirectory: point % 2 ? `${temporary.folder}/cache` : null,
      };
      const before = await readHere(cached, dataset, {
        world: first,
        steps: { from: 0, to: end },
      });
      const after = await readHere(cached, dataset, {
        world: second,
        steps: { from: saved, to: STEPS },
      });
      expect(compare(before, wanted.slice(0, end))).toEqual(EXACT);
      expect(compare([...before.slice(0, saved), ...after], wanted)).toEqual(
        EXACT,
      );
    },
  );

  it("goes on after its processes were killed, from a cache that they left", async () => {
    const cached = {
      ...reading,
      cacheDirectory: `${temporary.folder}/left-by-the-killed`,
    };
    const killed = await readInProcesses(cached, {
      world: { ranks: 2, workers: 2 },
      steps: { from: 0, to: 3 },
    });
    expect(compare(killed, wanted.slice(0, 3))).toEqual(EXACT);
    const after = await readHere(cached, dataset, {
      world: { ranks: 1, workers: 2 },
      steps: { from: 2, to: STEPS },
    });
    expect(compare([...killed.slice(0, 2), ...after], wanted)).toEqual(EXACT);
  });
});

describe("the comparison", () => {
  const wanted = [
    ["0/1/aa", "0/2/bb"],
    ["0/3/cc", "1/1/dd"],
  ];
  it.each([
    [
      "a missing image",
      [["0/1/aa"], ["0/3/cc", "1/1/dd"]],
      { missing: 1, repeated: 0, different: 3 },
    ],
    [
      "a repeated one",
      [
        ["0/1/aa", "0/2/bb", "0/2/bb"],
        ["0/3/cc", "1/1/dd"],
      ],
      { missing: 0, repeated: 1, different: 2 },
    ],
    [
      "two that changed places",
      [
        ["0/2/bb", "0/1/aa"],
        ["0/3/cc", "1/1/dd"],
      ],
      { missing: 0, repeated: 0, different: 2 },
    ],
    [
      "other pixels",
      [
        ["0/1/aa", "0/2/bb"],
        ["0/3/ce", "1/1/dd"],
      ],
      { missing: 0, repeated: 0, different: 1 },
    ],
  ])("sees %s", (_name, found, want) => {
    expect(compare(found, wanted)).toEqual(want);
  });
});
