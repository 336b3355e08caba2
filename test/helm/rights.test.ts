/** The rights that the chart gives its controller beside those that the controller asks for when it starts: no more, no less. */
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { probe } from "../../src/controller/service/probe.ts";
import type { Kube, KubeObject } from "../../src/kube/kube.ts";
import { renderObjects, type ChartValues } from "../support/chart.ts";
import { openKube } from "../support/kube.ts";

const store = { "store.url": "s3://bucket/prefix" };

/** What a controller can do without: it then says less of why something waits, or keeps less in step. */
const OPTIONAL = [
  "hueline.dev update runs/finalizers",
  "hueline.dev update schedules/finalizers",
  " list events",
  "kueue.x-k8s.io list workloads",
];

type Role = KubeObject & {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
};
type Asked = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
};

/** `group verb resource` of the roles that the controller is bound to, with where they hold. */
async function givenRights(values: ChartValues) {
  const roles = (await renderObjects<Role>(values)).filter(
    ({ kind, metadata }) =>
      /^(?:Cluster)?Role$/.test(kind) && metadata.name.includes("controller"),
  );
  return roles.flatMap(({ metadata, rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => ({
            where: metadata.namespace ?? null,
            right: `${group} ${verb} ${resource}`,
          })),
        ),
      ),
    ),
  );
}

const toRight = ({ group, verb, resource, subresource }: Asked): string =>
  `${group} ${verb} ${[resource, subresource].filter(Boolean).join("/")}`;

describe("the controller's rights", () => {
  test.each([
    { what: "of one namespace", values: store, namespace: "lab" },
    {
      what: "of the whole cluster",
      values: { ...store, clusterWide: "true" },
      namespace: null,
    },
  ])(
    "$what are those that it asks for, and what it can do without",
    async ({ values, namespace }) => {
      const given = await givenRights(values);
      const { kube } = await openKube();
      const asked: string[] = [];
      const review: Kube["review"] = async (_path, object) => {
        const { spec } = object as { spec: { resourceAttributes: Asked } };
        const question = spec.resourceAttributes;
        asked.push(toRight(question));
        const allowed = given.some(
          ({ where, right }) =>
            right === toRight(question) &&
            (where === null || where === question.namespace),
        );
        return { status: { allowed } } as never;
      };
      const { missing, canReadQuotas } = await probe({
        kube: { ...kube, review },
        namespace,
        sharing: { namespace: "lab" },
        log: silentLogger,
      });
      expect({ missing, canReadQuotas }).toEqual({
        missing: [],
        canReadQuotas: true,
      });
      const unasked = given
        .map(({ right }) => right)
        .filter((right) => !asked.includes(right));
      expect(unasked.toSorted()).toEqual(OPTIONAL.toSorted());
    },
  );

  test("of the whole cluster leave the Leases of other namespaces alone", async () => {
    const given = await givenRights({ ...store, clusterWide: "true" });
    const wheres = given
      .filter(({ right }) => right.endsWith(" leases"))
      .map(({ where }) => where);
    expect(new Set(wheres)).toEqual(new Set(["lab"]));
  });
});
