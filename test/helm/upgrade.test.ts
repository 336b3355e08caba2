/** This version of the chart beside the earlier ones, which people have installed. */
import path from "node:path";
import { expect, test } from "vitest";
import type { KubeObject } from "../../src/kube/kube.ts";
import { chart, earlierCharts, renderObjects } from "../support/chart.ts";

type Deployment = KubeObject & {
  readonly spec: { readonly selector: object; readonly template: object };
};

const values = { "store.url": "s3://bucket/prefix" };
const earlier = await earlierCharts();

const nameOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.name}`;

test("there is an earlier version, and this one has another number", async () => {
  const [object] = await renderObjects(values, chart);
  const now = object?.metadata.labels?.["helm.sh/chart"];
  expect(earlier.length).toBeGreaterThan(0);
  expect(earlier.map((file) => path.basename(file, ".tgz"))).not.toContain(now);
});

test.each(earlier.map((file) => [path.basename(file), file]))(
  "an upgrade from %s takes away no object, and changes nothing that cannot be changed",
  async (_, file) => {
    const before = await renderObjects<Deployment>(values, file);
    const after = await renderObjects<Deployment>(values, chart);
    // Service accounts that go would take their cloud's identity from pods that run.
    expect(after.map(nameOf)).toEqual(
      expect.arrayContaining(before.map(nameOf)),
    );
    const selectors = (objects: readonly Deployment[]) =>
      objects
        .filter(({ kind }) => kind === "Deployment")
        .map(({ metadata, spec }) => [metadata.name, spec.selector]);
    expect(selectors(after)).toEqual(selectors(before));
    expect(selectors(after)).not.toEqual([]);
  },
);
