/**
 * Bytes that are needed again in another order, kept on disk instead of in memory: images are read in the order that is
 * cheapest for their source, and stand in the shard in another.
 *
 * The file loses its name as soon as it is open, so the system removes it however this process ends.
 */
import { open, unlink } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";

export type SpillFile = {
  /** Gives back where the bytes lie. Calls may overlap. */
  append(bytes: Uint8Array): Promise<number>;
  read(offset: number, sizeBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
};

/** @throws UserError `data.scratch` when the folder cannot be written or is full; so does `append`. */
export async function openSpillFile(directory: string): Promise<SpillFile> {
  const name = path.join(directory, `hueline-${crypto.randomUUID()}.spill`);
  const file = await orExplain(directory, async () => {
    const opened = await open(name, "wx+", 0o600);
    await unlink(name);
    return opened;
  });
  let end = 0;
  return {
    async append(bytes) {
      const offset = end;
      end += bytes.length;
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await orExplain(directory, () =>
          file.write(bytes, done, bytes.length - done, offset + done),
        );
        done += bytesWritten;
      }
      return offset;
    },
    async read(offset, sizeBytes) {
      const bytes = Buffer.allocUnsafe(sizeBytes);
      for (let done = 0; done < sizeBytes;) {
        const rest = sizeBytes - done;
        const { bytesRead } = await file.read(bytes, done, rest, offset + done);
        if (bytesRead === 0) throw new Error("a spill file ended early");
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

async function orExplain<T>(
  directory: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const code = systemCode(thrown);
    if (
      !code ||
      !["ENOSPC", "EDQUOT", "EACCES", "EROFS", "ENOENT"].includes(code)
    )
      throw thrown;
    throw new UserError({
      code: "data.scratch",
      message: `a shard is put together in '${directory}', which cannot be written (${code})`,
      hint: "give the temporary folder (TMPDIR) room for one shard, or set more shards",
      cause: thrown,
    });
  }
}
