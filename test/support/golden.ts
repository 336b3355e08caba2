/**
 * Golden pairs: what a function makes of an input, kept as a file that a review can read.
 * `UPDATE_GOLDEN=1 npx vitest run …` writes them anew; without it, any difference fails.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { expect } from "vitest";

const FOLDER = path.join(import.meta.dirname, "../golden");

/** Compares with `test/golden/<name>`. */
export async function expectGolden(name: string, text: string): Promise<void> {
  const file = path.join(FOLDER, name);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const want = await readFile(file, "utf8");
  expect(text).toBe(want);
}
