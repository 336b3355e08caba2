import { describe, expect, test } from "vitest";
import {
  decodeLabelMap,
  encodeLabelMap,
  LABEL_MAP_FILE,
  LABEL_TABLE_FILE,
  SAMPLE_LABELS_FILE,
} from "../../../src/data/labels/label-map.ts";
import { encodeSafetensors } from "../../../src/store/artifacts/safetensors.ts";

const files = encodeLabelMap({
  dataset: "d".repeat(64),
  map: { kind: "hierarchy", buckets: 2 },
  seed: 4,
  buckets: [
    { name: "animals", classes: [0, 2] },
    { name: "things", classes: [1] },
  ],
  classes: [
    { name: "n02084071", images: 2 },
    { name: "my|ship", images: 2 },
    { name: "cat", images: 1 },
  ],
  bucketOf: Int32Array.of(0, 1, 0),
  drawn: { labels: Int32Array.of(0, 1, -1, 0, 1), images: 4, right: 3 },
});
const json = files[LABEL_MAP_FILE] as Uint8Array;
const labels = files[SAMPLE_LABELS_FILE] as Uint8Array;
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe("a label map in files", () => {
  test("comes back as it was", () => {
    expect(decodeLabelMap({ json, labels })).toEqual({
      dataset: "d".repeat(64),
      buckets: ["animals", "things"],
      labels: Int32Array.of(0, 1, -1, 0, 1),
    });
  });

  test("says what is in each bucket, for people too", () => {
    expect(JSON.parse(text(json))).toMatchObject({
      samples: { all: 5, labelled: 4, right: 3 },
      buckets: [
        { name: "animals", classes: 2, images: 2 },
        { name: "things", classes: 1, images: 2 },
      ],
      classes: [
        { name: "n02084071", words: "dog", bucket: 0 },
        { name: "my|ship", words: null, bucket: 1 },
        { name: "cat", words: "cat", bucket: 0 },
      ],
    });
    const table = text(files[LABEL_TABLE_FILE]);
    expect(table).toContain("| 0 | animals | 2 | 2 | dog, cat |");
    expect(table).toContain("| 1 | things | 1 | 2 | my\\|ship |");
    expect(table).toContain("4 of 5 images are trained on, 3 of them");
  });

  const tensor = (values: Int32Array<ArrayBuffer>) =>
    encodeSafetensors(
      new Map([
        [
          "labels",
          {
            dtype: "I32",
            shape: [values.length],
            bytes: new Uint8Array(values.buffer),
          },
        ],
      ]),
    );
  test.each([
    { name: "no JSON", given: { json: labels, labels } },
    {
      name: "another version",
      given: {
        json: new TextEncoder().encode(
          text(json).replace('"version": 1', '"version": 2'),
        ),
        labels,
      },
    },
    {
      name: "too few labels",
      given: { json, labels: tensor(Int32Array.of(0, 1)) },
    },
    {
      name: "a label that is no bucket",
      given: { json, labels: tensor(Int32Array.of(0, 1, 2, 0, 1)) },
    },
  ])("$name is refused", ({ given }) => {
    expect(() => decodeLabelMap(given)).toThrow(
      expect.objectContaining({ code: "labels.unreadable" }),
    );
  });
});
