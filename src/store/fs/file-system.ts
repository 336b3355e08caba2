/** The calls to the system that the file store makes, as a value: tests put a failing one in its place. */
import * as fs from "node:fs/promises";
import { createLook, type Look } from "./look.ts";

export type FileSystem = Pick<
  typeof fs,
  "link" | "mkdir" | "open" | "readdir" | "rename" | "rm" | "rmdir" | "unlink"
> & { readonly look: Look };

export const nodeFileSystem: FileSystem = { ...fs, look: createLook() };
