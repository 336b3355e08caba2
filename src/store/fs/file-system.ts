/** The calls to the system that the file store makes, as a value: tests put a failing one in its place. */
import { stat } from "node:fs";
import * as fs from "node:fs/promises";
import { promisify } from "node:util";

export type FileSystem = Pick<
  typeof fs,
  | "link"
  | "mkdir"
  | "open"
  | "readdir"
  | "rename"
  | "rm"
  | "rmdir"
  | "stat"
  | "unlink"
>;

export const nodeFileSystem: FileSystem = {
  ...fs,
  // The most frequent call, as a rule for what is not there: two thirds of the CPU time that the promises' own takes.
  stat: promisify(stat),
};
