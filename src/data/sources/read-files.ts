/** Reads the wanted of a list of files whole, ahead of who uses them. */
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { readAhead } from "../places/read-ahead.ts";
import type { Source } from "./source.ts";

export function readFilesOf(
  tree: FileTree,
  items: readonly { readonly file: TreeFile }[],
): Source["read"] {
  return (wanted, visit) =>
    readAhead(
      wanted.map((index) => items[index] as { readonly file: TreeFile }),
      {
        sizeBytes: ({ file }) => file.sizeBytes,
        read: ({ file }) => tree.read(file),
        use: (position, _, bytes) => visit(position, bytes),
      },
    );
}
