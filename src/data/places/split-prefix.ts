/** Where the files of a split begin in a source that has a folder for each split. */
import { UserError } from "../../base/errors.ts";
import { SPLITS, type Split } from "../../spec/params/params-shard.ts";
import type { FileTree } from "./file-tree.ts";

/**
 * `train/` for a source with a folder of that name; empty for one without split folders, which is one split.
 * @throws UserError `data.split-missing` for a source that has other splits only.
 */
export function splitPrefix(tree: FileTree, split: Split): string {
  const has = (name: string) =>
    tree.files.some(({ path }) => path.startsWith(`${name}/`)) ||
    tree.emptyFolders.includes(name);
  if (has(split)) return `${split}/`;
  const others = SPLITS.filter(has);
  if (others.length === 0) return "";
  const found = others.map((name) => `'${name}'`).join(" and ");
  throw new UserError({
    code: "data.split-missing",
    message: `expected a folder '${split}' in '${tree.name}' beside ${found}, found none`,
    hint: `set split: ${others[0]}, or point the source at the folder that holds the images`,
  });
}
