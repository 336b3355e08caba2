/**
 * Compare-and-swap on a plain file system: no locks, no clocks, no daemon, safe against kill -9 at any instant.
 *
 * A record `claims/k.json` is a folder `claims/.records/k.json/` with
 *   head.<generation>.<crc32>.<writer>   empty; the one token, whose NAME is the record's state and its etag
 *   data.<generation>.<crc32>.<writer>   the bytes of that state, written and flushed before the token names them
 *   gone.<generation>.<crc32>.<writer>   the token of a removed record
 *
 * R1 There is exactly one token. The folder is born with one: it is filled under a temporary name and renamed into
 *    place, which fails if a folder that is not empty stands there; and it never becomes empty, for tokens are only
 *    renamed, never unlinked.
 * R2 A swap renames the token it expects, `head.<etag>`, to `head.<its own>`. The system lets one process take a
 *    name away; for all others the source is gone (ENOENT) and the answer is "changed". Every token name holds a
 *    fresh random writer id, so a name once left never comes back: there is no ABA.
 * R3 The new generation is the old one plus 1, and the old one is in the name that R2 consumed. So generations
 *    rise by 1 with each swap and with each remove, for ever. Removing keeps the folder: a claim that is removed and
 *    made again cannot fall behind the writer of an earlier generation.
 * R4 A kill leaves either the old token or the new one, and perhaps `data.*` files that no token names. The winner
 *    of generation g unlinks data below g - 1. A slower writer whose file goes that way was heading for a generation
 *    that is over: its rename fails by R2. A reader whose data went between listing and opening lists again.
 *
 * Numbered files made by `link` were considered: they need a proof that a pruned number is not linked anew, which
 * rests on directory listings being atomic. Here nothing is decided by a listing; it only finds the token's name.
 * After a win the plain file `claims/k.json` is renewed for people who look; it may lag, and nothing reads it back.
 */
import * as path from "node:path";
import { systemCode, TransientError, UserError } from "../../base/errors.ts";
import type { ObjectInfo, RecordRead, SwapOutcome } from "../store.ts";
import { isAbsence } from "./errors.ts";
import type { Files } from "./files.ts";
import type { FileSystem } from "./file-system.ts";
import { checksum, createHead, toHead } from "./record-head.ts";
import type { Head } from "./record-head.ts";

/** Where the records of a folder are. */
export const recordsFolder = ".records";

/** Each retry means that somebody else's swap went through meanwhile. */
const retries = 1000;
const mirrorRetries = 3;

export type Records = {
  /** Whether the path is, or was, a record. */
  has(objectPath: string): Promise<boolean>;
  stat(objectPath: string): Promise<ObjectInfo | null>;
  read(objectPath: string): Promise<RecordRead | null>;
  swap(
    objectPath: string,
    bytes: Uint8Array,
    expected: string | null,
  ): Promise<SwapOutcome>;
  /** Leaves a `gone` token (R3). */
  remove(objectPath: string): Promise<void>;
};

export function createRecords(options: {
  readonly root: string;
  readonly fs: FileSystem;
  readonly files: Files;
}): Records {
  const { root, fs, files } = options;
  const folderOf = (objectPath: string): string =>
    path.join(
      root,
      path.dirname(objectPath),
      recordsFolder,
      path.basename(objectPath),
    );

  /** The token, or null if there never was a record. */
  async function findHead(folder: string): Promise<Head | null> {
    for (let attempt = 0; attempt < retries; attempt++) {
      const names = await listNames(fs, folder);
      if (names === null) return null;
      // A listing that runs beside a rename may show the token under neither name or under both.
      const heads = names.flatMap((name) => toHead(name) ?? []);
      heads.sort((a, b) => b.generation - a.generation);
      if (heads[0]) return heads[0];
    }
    throw busy(folder);
  }

  /** Moves the token from the state `from` to the next one (R2). */
  async function advance(
    folder: string,
    from: Head,
    kind: Head["kind"],
    bytes: Uint8Array,
  ): Promise<SwapOutcome> {
    const next = createHead(kind, from.generation + 1, bytes);
    const data = path.join(folder, `data.${next.etag}`);
    const token = path.join(folder, `${kind}.${next.etag}`);
    await files.writeNew(data, [bytes]);
    try {
      await fs.rename(path.join(folder, `${from.kind}.${from.etag}`), token);
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") throw thrown;
      // Over NFS a rename whose answer was lost is sent again and finds its source gone, although it was done.
      if (!(await fs.look(token))) {
        await files.unlink(data);
        return { kind: "changed" };
      }
    }
    await files.flushFolder(folder);
    await prune(folder, next.generation);
    return { kind: "written", etag: next.etag };
  }

  /** The first generation (R1). */
  async function create(
    folder: string,
    bytes: Uint8Array,
  ): Promise<SwapOutcome> {
    const head = createHead("head", 1, bytes);
    const born = await files.temporaryName();
    try {
      await files.inFolder(born, () =>
        files.writeNew(path.join(born, `data.${head.etag}`), [bytes]),
      );
      await files.writeNew(path.join(born, `head.${head.etag}`), []);
      await files.flushFolder(born);
      const parent = path.dirname(folder);
      await files.inFolder(parent, () => fs.rename(born, folder));
      await files.flushFolder(parent);
      return { kind: "written", etag: head.etag };
    } catch (thrown) {
      if (!["ENOTEMPTY", "EEXIST"].includes(systemCode(thrown) ?? ""))
        throw thrown;
      return { kind: "changed" };
    } finally {
      await fs.rm(born, { recursive: true, force: true });
    }
  }

  async function prune(folder: string, generation: number): Promise<void> {
    for (const name of (await listNames(fs, folder)) ?? []) {
      const data = /^data\.(\d+)\./.exec(name);
      if (data && Number(data[1]) < generation - 1)
        await files.unlink(path.join(folder, name));
    }
  }

  /** Renews the plain file (a second name of the same bytes) until it shows the newest state. */
  async function mirror(objectPath: string): Promise<void> {
    const folder = folderOf(objectPath);
    const plain = path.join(root, objectPath);
    for (let attempt = 0; attempt < mirrorRetries; attempt++) {
      const head = await findHead(folder);
      if (head?.kind !== "head") return files.unlink(plain);
      const temporary = await files.temporaryName();
      try {
        await fs.link(path.join(folder, `data.${head.etag}`), temporary);
        await fs.rename(temporary, plain);
      } catch (thrown) {
        if (systemCode(thrown) !== "ENOENT") throw thrown;
      } finally {
        // A rename between two names of one file does nothing: the temporary one stays.
        await files.unlink(temporary);
      }
      if ((await findHead(folder))?.etag === head.etag) return;
    }
  }

  return {
    has: async (objectPath) => (await fs.look(folderOf(objectPath))) !== null,
    async stat(objectPath) {
      const folder = folderOf(objectPath);
      for (let attempt = 0; attempt < retries; attempt++) {
        const head = await findHead(folder);
        if (head?.kind !== "head") return null;
        const data = await fs.look(path.join(folder, `data.${head.etag}`));
        if (data)
          return {
            path: objectPath,
            sizeBytes: data.size,
            modifiedAtMs: data.mtimeMs,
          };
      }
      throw busy(folder);
    },
    async read(objectPath) {
      const folder = folderOf(objectPath);
      for (let attempt = 0; attempt < retries; attempt++) {
        const head = await findHead(folder);
        if (head?.kind !== "head") return null;
        try {
          const bytes = await files.readWhole(
            path.join(folder, `data.${head.etag}`),
          );
          if (checksum(bytes) !== head.crc) throw corrupt(objectPath, folder);
          return { bytes, etag: head.etag };
        } catch (thrown) {
          if (systemCode(thrown) !== "ENOENT") throw thrown;
        }
      }
      throw busy(folder);
    },
    async swap(objectPath, bytes, expected) {
      const folder = folderOf(objectPath);
      const outcome = await attempt();
      if (outcome.kind === "written") await mirror(objectPath);
      return outcome;

      async function attempt(): Promise<SwapOutcome> {
        const head = await findHead(folder);
        if (expected === null) {
          if (head === null) return create(folder, bytes);
          if (head.kind === "head") return { kind: "changed" };
          return advance(folder, head, "head", bytes);
        }
        if (head?.kind !== "head" || head.etag !== expected)
          return { kind: "changed" };
        return advance(folder, head, "head", bytes);
      }
    },
    async remove(objectPath) {
      const folder = folderOf(objectPath);
      for (let attempt = 0; attempt < retries; attempt++) {
        const head = await findHead(folder);
        if (head?.kind !== "head") return;
        const outcome = await advance(folder, head, "gone", new Uint8Array());
        if (outcome.kind === "written") return mirror(objectPath);
      }
      throw busy(folder);
    },
  };
}

async function listNames(
  fs: FileSystem,
  folder: string,
): Promise<readonly string[] | null> {
  try {
    return await fs.readdir(folder);
  } catch (thrown) {
    if (isAbsence(thrown)) return null;
    throw thrown;
  }
}

function busy(folder: string): TransientError {
  return new TransientError({
    code: "store.record-busy",
    message: `the record in ${folder} changed ${retries} times while it was looked at`,
  });
}

function corrupt(objectPath: string, folder: string): UserError {
  return new UserError({
    code: "store.record-corrupt",
    message: `the record '${objectPath}' does not match its checksum`,
    hint: `its bytes in ${folder} were changed from outside, or the disk fails; once nothing runs on this store, remove that folder and the copy '${objectPath}'`,
  });
}
