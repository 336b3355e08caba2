/**
 * A headless Chromium for tests of pages, found on PATH. In CI a missing browser is a failure; elsewhere such tests
 * skip, with the reason written.
 */
import { accessSync, constants } from "node:fs";
import * as path from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** The path of a browser, or null where there is none and none is demanded. */
export function findBrowser(): string | null {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const found = folders
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
    .find(isExecutable);
  if (found !== undefined) return found;
  if (process.env["CI"])
    throw new Error(
      `expected a browser on PATH (${NAMES.join(", ")}), found none: install chromium`,
    );
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
