/**
 * What every API server does with what the client asks of it: run against the pretended one, which others are tested by,
 * and against a real one where there is one. `open` is called in each test, closes what it opens after it, and gives a
 * namespace that may be written to; names are the test's own.
 */
import { describe, expect, it } from "vitest";
import { resources } from "../../src/kube/kube.ts";
import type { Kube, KubeObject, KubeResource } from "../../src/kube/kube.ts";
import { KubeRefusal } from "../../src/kube/refusal.ts";

export type KubeUnderTest = {
  readonly kube: Kube;
  readonly namespace: string;
};

type ConfigMap = KubeObject & {
  readonly data?: Readonly<Record<string, string>>;
};

const configMaps: KubeResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  isNamespaced: true,
};

export function kubeContract(
  name: string,
  open: () => Promise<KubeUnderTest>,
): void {
  describe(`${name} keeps the API server's contract:`, () => {
    async function start(test: string) {
      const { kube, namespace } = await open();
      const suffix = Math.random().toString(36).slice(2, 8);
      const named = (part: string) => ({
        namespace,
        name: `contract-${part}-${suffix}`,
      });
      const labels = { contract: `${test}-${suffix}` };
      const build = (part: string, data: Record<string, string> = {}) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { ...named(part), labels },
        data,
      });
      const labelSelector = `contract=${labels.contract}`;
      return { kube, namespace, named, build, labelSelector };
    }
    const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
      const thrown: unknown = await promise.then(
        () => "no error",
        (error: unknown) => error,
      );
      return thrown instanceof KubeRefusal
        ? `${thrown.status} ${thrown.reason}`
        : String(thrown);
    };

    it("what is not there is null, and removing it is told", async () => {
      const { kube, named } = await start("absent");
      expect(await kube.get(configMaps, named("none"))).toBeNull();
      expect(await kube.remove(configMaps, named("none"))).toBe(false);
      expect(await kube.read("/apis/there.is.none")).toBeNull();
    });

    it("a name is given once", async () => {
      const { kube, named, build } = await start("create");
      const created = await kube.create<ConfigMap>(
        configMaps,
        build("one", { a: "1" }),
      );
      expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(await kube.get<ConfigMap>(configMaps, named("one"))).toMatchObject(
        { kind: "ConfigMap", data: { a: "1" } },
      );
      const again = kube.create(configMaps, build("one"));
      expect(await reasonOf(again)).toBe("409 AlreadyExists");
      expect(await kube.remove(configMaps, named("one"))).toBe(true);
    });

    it("apply makes, changes and takes back the fields of its manager, and leaves those of others", async () => {
      const { kube, named, build } = await start("apply");
      const apply = (data: Record<string, string>) =>
        kube.apply<ConfigMap>(configMaps, build("one", data), {
          fieldManager: "first",
        });
      await apply({ a: "1", b: "1" });
      await kube.patch(configMaps, named("one"), { data: { theirs: "1" } });
      const { data } = await apply({ a: "2" });
      expect(data).toEqual({ a: "2", theirs: "1" });
      await kube.remove(configMaps, named("one"));
    });

    it("apply without force does not take the field of another", async () => {
      const { kube, named, build } = await start("force");
      const apply = (manager: string, value: string, force: boolean) =>
        kube.apply<ConfigMap>(configMaps, build("one", { a: value }), {
          fieldManager: manager,
          force,
        });
      await apply("first", "1", false);
      expect(await reasonOf(apply("second", "2", false))).toBe("409 Conflict");
      expect((await apply("second", "2", true)).data).toEqual({ a: "2" });
      await kube.remove(configMaps, named("one"));
    });

    it("a merge patch changes what it names and removes what it says is null", async () => {
      const { kube, named, build } = await start("patch");
      await kube.create(configMaps, build("one", { a: "1", b: "1" }));
      const patched = await kube.patch<ConfigMap>(configMaps, named("one"), {
        data: { a: null, c: "1" },
      });
      expect(patched.data).toEqual({ b: "1", c: "1" });
      const none = kube.patch(configMaps, named("none"), { data: {} });
      expect(await reasonOf(none)).toBe("404 NotFound");
      await kube.remove(configMaps, named("one"));
    });

    it("only the newest version is replaced", async () => {
      const { kube, named, build } = await start("replace");
      const first = await kube.create<ConfigMap>(configMaps, build("one"));
      const next = { ...first, data: { a: "1" } };
      const second = await kube.replace<ConfigMap>(configMaps, next);
      expect(second.data).toEqual({ a: "1" });
      const late = kube.replace(configMaps, next);
      expect(await reasonOf(late)).toBe("409 Conflict");
      await kube.remove(configMaps, named("one"));
    });

    it("an object is removed only if it is the one that is meant", async () => {
      const { kube, named, build } = await start("remove");
      const { metadata } = await kube.create<ConfigMap>(
        configMaps,
        build("one"),
      );
      const uid = "00000000-0000-0000-0000-000000000000";
      const wrong = kube.remove(configMaps, named("one"), { uid });
      expect(await reasonOf(wrong)).toBe("409 Conflict");
      const right = { uid: metadata.uid ?? "" };
      expect(await kube.remove(configMaps, named("one"), right)).toBe(true);
    });

    it("a list has what is selected, says what it is, and leaves out who wrote what", async () => {
      const { kube, namespace, named, build, labelSelector } =
        await start("list");
      for (const part of ["a", "b"])
        await kube.apply(configMaps, build(part), { fieldManager: "first" });
      const { items } = await kube.list(configMaps, {
        namespace,
        labelSelector,
      });
      expect(items.map(({ metadata }) => metadata.name)).toEqual([
        named("a").name,
        named("b").name,
      ]);
      expect(items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
      expect(items[0]?.metadata).not.toHaveProperty("managedFields");
      const fieldSelector = `metadata.name=${named("b").name}`;
      const one = await kube.list(configMaps, { namespace, fieldSelector });
      expect(one.items).toHaveLength(1);
      for (const part of ["a", "b"]) await kube.remove(configMaps, named(part));
    });

    it("a watch tells what happened since a list, and what leaves the selection as gone", async () => {
      const { kube, namespace, named, build, labelSelector } =
        await start("watch");
      const selection = { namespace, labelSelector };
      const { resourceVersion } = await kube.list(configMaps, selection);
      await kube.create(configMaps, build("one"));
      await kube.patch(configMaps, named("one"), { data: { a: "1" } });
      await kube.patch(configMaps, named("one"), {
        metadata: { labels: { contract: "another" } },
      });
      const stop = new AbortController();
      const seen: string[] = [];
      for await (const event of kube.watch<ConfigMap>(configMaps, {
        ...selection,
        resourceVersion,
        signal: stop.signal,
      })) {
        if (event.type === "BOOKMARK") continue;
        const { object } = event;
        seen.push(`${event.type} ${object.kind} ${object.data?.["a"] ?? "-"}`);
        expect(object.metadata).not.toHaveProperty("managedFields");
        if (event.type === "DELETED") stop.abort();
      }
      expect(seen).toEqual([
        "ADDED ConfigMap -",
        "MODIFIED ConfigMap 1",
        "DELETED ConfigMap 1",
      ]);
      await kube.remove(configMaps, named("one"));
    });

    it("of spec a list and a watch have what is wanted", async () => {
      const { kube, namespace, named, labelSelector, build } =
        await start("spec");
      const { metadata } = build("one");
      const { apiVersion, kind } = resources.lease;
      const { resourceVersion } = await kube.list(resources.lease, {
        namespace,
        labelSelector,
      });
      const spec = { holderIdentity: "me", leaseDurationSeconds: 15 };
      await kube.create(resources.lease, {
        apiVersion,
        kind,
        metadata,
        spec,
      });
      const asked = {
        namespace,
        labelSelector,
        specFields: (field: string) => field === "holderIdentity",
      };
      const wanted = { kind, spec: { holderIdentity: "me" } };
      const { items } = await kube.list(resources.lease, asked);
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject(wanted);
      expect(items[0]).not.toHaveProperty("spec.leaseDurationSeconds");
      const stop = new AbortController();
      for await (const event of kube.watch(resources.lease, {
        ...asked,
        resourceVersion,
        signal: stop.signal,
      })) {
        if (event.type === "BOOKMARK") continue;
        expect(event.object).toEqual(items[0]);
        stop.abort();
      }
      await kube.remove(resources.lease, named("one"));
    });

    it("what is owned goes after its owner", async () => {
      const { kube, namespace, named, build } = await start("owner");
      const owner = await kube.create<ConfigMap>(configMaps, build("owner"));
      const owned = build("owned");
      await kube.create(configMaps, {
        ...owned,
        metadata: {
          ...owned.metadata,
          ownerReferences: [
            {
              apiVersion: "v1",
              kind: "ConfigMap",
              name: owner.metadata.name,
              uid: owner.metadata.uid ?? "",
            },
          ],
        },
      });
      const fieldSelector = `metadata.name=${named("owned").name}`;
      const selection = { namespace, fieldSelector };
      const { resourceVersion } = await kube.list(configMaps, selection);
      const stop = new AbortController();
      await kube.remove(configMaps, named("owner"));
      for await (const { type } of kube.watch(configMaps, {
        ...selection,
        resourceVersion,
        signal: stop.signal,
      }))
        if (type === "DELETED") stop.abort();
      expect(await kube.get(configMaps, named("owned"))).toBeNull();
    });

    it("a Job keeps fields that this program does not know, and its status is written apart", async () => {
      const { kube, named } = await start("job");
      const job = {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: named("job"),
        spec: {
          suspend: true,
          template: {
            spec: {
              restartPolicy: "Never",
              enableServiceLinks: false,
              containers: [{ name: "main", image: "none" }],
            },
          },
        },
      };
      const made = await kube.create(resources.job, job);
      expect(made).toMatchObject({
        metadata: { generation: 1 },
        spec: { template: { spec: { enableServiceLinks: false } } },
      });
      const change = { spec: { parallelism: 3 }, status: { active: 7 } };
      const changed = await kube.patch(resources.job, named("job"), change);
      expect(changed).toMatchObject({
        metadata: { generation: 2 },
        spec: { parallelism: 3 },
      });
      expect(changed).not.toMatchObject({ status: { active: 7 } });
      await kube.remove(resources.job, named("job"));
    });

    it("says its version, and what one may do", async () => {
      const { kube, namespace } = await start("read");
      expect(await kube.read("/version")).toMatchObject({
        gitVersion: expect.stringMatching(/^v1\.\d+/) as string,
      });
      const review = await kube.review<{ status: { allowed: boolean } }>(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: {
            resourceAttributes: { namespace, verb: "get", resource: "pods" },
          },
        },
      );
      expect(review.status.allowed).toBe(true);
    });
  });
}
