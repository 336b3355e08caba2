/** Copies files of artifacts into a folder: what is there already is left alone, what was begun goes on. */
import path from "node:path";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { Store } from "../../store/store.ts";
import { downloadObjects } from "../../store/transfer/download-objects.ts";
import type { Environment } from "../environment.ts";
import { createTransferDisplay } from "../transfer-display.ts";
import { hasCopy } from "./local-copies.ts";
import type { WantedFile } from "./select-files.ts";

const HASHES_AT_ONCE = 2;

/**
 * Returns the files that were copied. Sizes and CRC-32 are checked on the way; with `verify`, what was written is read
 * back and its SHA-256 compared. Throws what `downloadObjects` throws, and `pull.damaged` (UserError).
 */
export async function copyFiles(
  store: Store,
  files: readonly WantedFile[],
  options: {
    readonly folder: string;
    readonly verify: boolean;
    readonly environment: Environment;
  },
): Promise<readonly WantedFile[]> {
  const { folder, verify, environment } = options;
  const missing = await without(folder, files);
  const display = createTransferDisplay(environment);
  try {
    await downloadObjects(
      store,
      missing.map(({ name, path: object, sizeBytes, crc32 }) => ({
        path: object,
        sizeBytes,
        crc32,
        file: path.join(folder, name),
      })),
      { signal: environment.signal, onProgress: display.show },
    );
  } finally {
    display.end();
  }
  const [damaged] = verify ? await without(folder, missing) : [];
  if (damaged === undefined) return missing;
  throw new UserError({
    code: "pull.damaged",
    message: `'${path.join(folder, damaged.name)}' was written and reads back as something else: its SHA-256 is not ${damaged.sha256}`,
    hint: "look at the disk; the same pull again replaces the file",
  });
}

/** The files that the folder does not have. */
async function without(
  folder: string,
  files: readonly WantedFile[],
): Promise<readonly WantedFile[]> {
  const found = await mapBounded(files, HASHES_AT_ONCE, (file) =>
    hasCopy(folder, file),
  );
  return files.filter((_, index) => found[index] === false);
}
