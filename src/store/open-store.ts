/** From the URL that a person gives (`--store`, HUELINE_STORE) to a store. Nothing is touched until it is used. */
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { toError, UserError } from "../base/errors.ts";
import { createFileStore } from "./fs.ts";
import { createMemoryStore } from "./memory.ts";
import type { Store } from "./store.ts";

/**
 * Opens `file:///path`, `memory:`, or a folder given as a plain path (relative to `currentFolder`).
 * Throws `store.url` (UserError, usage) for anything else.
 */
export function openStore(
  url: string,
  options: { readonly currentFolder: string },
): Store {
  if (url === "memory:") return createMemoryStore();
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "file") return createFileStore({ directory: toFolder(url) });
  if (scheme !== undefined) throw refuse(url, `'${scheme}:' is not supported`);
  if (url === "" || url.includes("\0")) throw refuse(url, "it names no folder");
  return createFileStore({
    directory: path.resolve(options.currentFolder, url),
  });
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
    hint: "stores can be file:///absolute/folder or a plain folder path; buckets (s3:) are not built yet",
    exitCode: 64,
  });
}

/** Only names of secrets may be shown (invariant I). */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//…@");
}
