/** Instead of copies: URLs by which anyone can fetch the files of a run for a while. */
import path from "node:path";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { Store } from "../../store/store.ts";
import { writeLocalFile } from "../local-folder.ts";
import { writeSums } from "./local-copies.ts";
import type { WantedFile } from "./select-files.ts";

const LINKS_AT_ONCE = 16;

export type FileLink = Pick<WantedFile, "name" | "sizeBytes" | "sha256"> & {
  readonly url: string;
};

/** Throws `store.no-links` (UserError) for a store that has none. */
export async function linkFiles(
  store: Store,
  files: readonly WantedFile[],
  validForMs: number,
): Promise<readonly FileLink[]> {
  return await mapBounded(files, LINKS_AT_ONCE, async (file) => {
    const { name, sizeBytes, sha256 } = file;
    const url = await linkTo(store, file.path, validForMs);
    return { name, sizeBytes, sha256, url };
  });
}

/** Whether links end after the time that was asked for. A file's URL is no more than its name. */
export function areLinksTimed({ url }: Store): boolean {
  return !url.startsWith("file:");
}

/** What is told of links whose time is not kept (invariant J). */
export const UNTIMED_LINKS =
  "links into a folder are names of its files: they do not expire, and open only where the folder is\n";

/** A link to one object. */
export async function linkTo(
  store: Store,
  object: string,
  validForMs: number,
): Promise<string> {
  const url = await store.link(object, Math.floor(validForMs / 1000));
  if (url !== null) return url;
  throw new UserError({
    code: "store.no-links",
    message: `the store ${store.url} has no links to its objects`,
    hint: "links are of a bucket that is reached without a proxy, or of a folder; copy the files instead",
  });
}

/** Writes `links.txt`, which `aria2c -i` reads as it is, and the list that verifies what it brings. */
export async function writeLinks(
  folder: string,
  links: readonly FileLink[],
): Promise<void> {
  await writeLocalFile(
    path.join(folder, "links.txt"),
    links.map(({ url, name }) => `${url}\n  out=${name}\n`).join(""),
  );
  await writeSums(folder, links);
}
