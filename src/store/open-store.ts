/** From the URL that a person gives (`--store`, HUELINE_STORE) to a store. Nothing is touched until it is used. */
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { toError, UserError } from "../base/errors.ts";
import { createFileStore } from "./fs.ts";
import { createMemoryStore } from "./memory.ts";
import { isObjectPath } from "./path.ts";
import { createS3Store } from "./s3.ts";
import type { S3StoreOptions } from "./s3.ts";
import type { Store } from "./store.ts";

/**
 * Opens `s3://bucket/prefix`, `file:///path`, `memory:`, or a folder given as a plain path (relative to `currentFolder`).
 * Throws `store.url` (UserError, usage) for anything else.
 */
export function openStore(
  url: string,
  options: {
    readonly currentFolder: string;
    /** The process's environment: see `S3StoreOptions`. */
    readonly variables?: NonNullable<S3StoreOptions["variables"]>;
  },
): Store {
  if (url === "memory:") return createMemoryStore();
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "s3")
    return createS3Store({
      ...toBucket(url),
      ...(options.variables ? { variables: options.variables } : {}),
    });
  if (scheme === "file") return createFileStore({ directory: toFolder(url) });
  if (scheme !== undefined) throw refuse(url, `'${scheme}:' is not supported`);
  if (url === "" || url.includes("\0")) throw refuse(url, "it names no folder");
  return createFileStore({
    directory: path.resolve(options.currentFolder, url),
  });
}

/** Taken as it is written, like other S3 tools do: a `%20` is three characters. */
function toBucket(url: string): { bucket: string; prefix: string } {
  const match = /^s3:\/\/([^/]*)(?:\/(.*?))?\/?$/i.exec(url);
  const [, bucket = "", prefix = ""] = match ?? [];
  if (bucket.includes("@"))
    throw refuse(url, "keys do not belong into a URL: use AWS's configuration");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw refuse(url, "an s3: URL is s3://bucket or s3://bucket/prefix");
  if (prefix !== "" && !isObjectPath(prefix))
    throw refuse(url, "its prefix cannot begin the name of an object");
  return { bucket, prefix };
}

function toFolder(url: string): string {
  if (!url.toLowerCase().startsWith("file:/"))
    throw refuse(url, "a file: URL holds an absolute path");
  try {
    return path.resolve(fileURLToPath(url));
  } catch (thrown) {
    throw refuse(url, toError(thrown).message);
  }
}

function refuse(url: string, problem: string): UserError {
  return new UserError({
    code: "store.url",
    message: `cannot open the store '${withoutPassword(url)}': ${problem}`,
    hint: "stores can be s3://bucket/prefix, file:///absolute/folder or a plain folder path",
    exitCode: 64,
  });
}

/** Only names of secrets may be shown (invariant I). */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//…@");
}
