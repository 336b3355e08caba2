/**
 * One pull writes into a folder at a time: two would write the same partial files, and each its own list of checksums.
 *
 * The lock is the folder `.hueline-pull` in the destination with one file in it, which says who pulls.
 * L1 It is made under a name of its own and renamed into place, which the system refuses where a folder with a file
 *    stands: of many, one gets it.
 * L2 A file's name is random and never comes back, so whoever sees a dead owner's file may remove it: it cannot be a
 *    living one's by then. An empty folder is free.
 * L3 Who is dead is judged as for claims (C2): at once within a boot of this machine, else by a file that its owner has
 *    not touched for the time to live, measured on our own clock.
 */
import { randomUUID } from "node:crypto";
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import { claimTimes } from "../../store/claims/claims.ts";
import {
  claimOwnerSchema,
  createLiveness,
  readOwner,
  type ClaimOwner,
} from "../../store/claims/owner.ts";
import { readJson, toJsonBytes } from "../../store/json.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import type { Environment } from "../environment.ts";
import { makeLocalFolder } from "../local-folder.ts";

const LOCK = ".hueline-pull";

export type DestinationLock = {
  /** Makes the destination, and takes it unless it is ours. @throws UserError `pull.in-use`, `file.refused` */
  take(): Promise<void>;
  /** Lets the next one in. */
  release(): Promise<void>;
};

type Request = {
  readonly environment: Environment;
  readonly run: string;
  /** The destination. */
  readonly folder: string;
};

type Held = {
  /** @throws what keeps it from being ours any longer. */
  confirm(): void;
  release(): Promise<void>;
};

export function createDestinationLock(request: Request): DestinationLock {
  let held: Held | null = null;
  return {
    async take() {
      held ??= await acquire(request);
      held.confirm();
    },
    async release() {
      await held?.release();
      held = null;
    },
  };
}

async function acquire(request: Request): Promise<Held> {
  const { environment, run, folder } = request;
  const { name: host, pid } = environment.host;
  const owner = await readOwner({ host, pid, run, task: "pull" });
  const place = path.join(folder, LOCK);
  const id = randomUUID();
  const born = `${place}.${id}`;
  await makeLocalFolder(folder);
  return await onLocalFile("write", place, async () => {
    try {
      await mkdir(born);
      await writeFile(path.join(born, id), toJsonBytes(owner), { flush: true });
      while (!(await moveInto(place, born))) await clearDead(request, place);
    } catch (thrown) {
      await rm(born, { recursive: true, force: true });
      throw thrown;
    }
    return hold(request, place, id);
  });
}

/** L1. False: somebody's lock stands there. */
async function moveInto(place: string, born: string): Promise<boolean> {
  try {
    await rename(born, place);
    return true;
  } catch (thrown) {
    if (["ENOTEMPTY", "EEXIST"].includes(systemCode(thrown) ?? ""))
      return false;
    throw thrown;
  }
}

/** Removes the lock of an owner that is dead (L2). @throws UserError `pull.in-use` where it is alive. */
async function clearDead(request: Request, place: string): Promise<void> {
  for (const name of (await orNull(readdir(place))) ?? []) {
    const file = path.join(place, name);
    const text = await orNull(readFile(file));
    if (text === null) continue;
    const json = readJson(text);
    const parsed = claimOwnerSchema.safeParse(
      json.kind === "value" ? json.value : null,
    );
    const owner = parsed.success ? parsed.data : null;
    if (owner === null || (await isHeld(request, file, owner)))
      throw inUse(request.folder, owner);
    await rm(file, { force: true });
  }
}

/** L3. */
async function isHeld(
  { environment, folder }: Request,
  file: string,
  owner: ClaimOwner,
): Promise<boolean> {
  const { clock, host, signal, stderr } = environment;
  const liveness = await createLiveness({ host: host.name })(owner);
  if (liveness !== "unknown") return liveness === "alive";
  stderr.write(
    `${describe(owner)} began to write into ${folder}: watching for ${claimTimes.ttlMs / 1000} s whether it still does\n`,
  );
  const startMs = clock.monotonicMs();
  const before = await touchedMs(file);
  while (clock.monotonicMs() - startMs < claimTimes.ttlMs) {
    await clock.sleep(claimTimes.heartbeatEveryMs, signal);
    const now = await touchedMs(file);
    if (now === null) return false;
    if (now !== before || signal.aborted) return true;
  }
  return false;
}

/** Of the opened file: a network file system may remember an older time for the name. */
async function touchedMs(file: string): Promise<number | null> {
  const handle = await orNull(open(file));
  if (handle === null) return null;
  try {
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
  }
}

function hold(
  { environment: { clock }, folder }: Request,
  place: string,
  id: string,
): Held {
  const file = path.join(place, id);
  const over = new AbortController();
  let failure: { readonly thrown: unknown } | null = null;
  const beat = async (): Promise<void> => {
    try {
      while (!over.signal.aborted) {
        await clock.sleep(claimTimes.heartbeatEveryMs, over.signal);
        const now = clock.now() / 1000;
        await utimes(file, now, now);
      }
    } catch (thrown) {
      failure = {
        thrown: systemCode(thrown) === "ENOENT" ? lost(folder) : thrown,
      };
    }
  };
  const beating = beat();
  return {
    confirm() {
      if (failure !== null) throw failure.thrown;
    },
    async release() {
      over.abort();
      await beating;
      await rm(file, { force: true });
      // Somebody's lock stands there already.
      await rmdir(place).catch((thrown: unknown) => {
        if (systemCode(thrown) === null) throw thrown;
      });
    },
  };
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

function describe({ run, pid, host }: ClaimOwner): string {
  return `a pull of ${run} (process ${pid} on ${host})`;
}

function inUse(folder: string, owner: ClaimOwner | null): UserError {
  const lock = path.join(folder, LOCK);
  return new UserError({
    code: "pull.in-use",
    message:
      owner === null
        ? `'${lock}' holds a file that no pull has written`
        : `${describe(owner)} writes into '${folder}'`,
    hint:
      owner === null
        ? `remove '${lock}' if no other pull writes there, or name another folder`
        : "wait until it has ended, or name another folder",
  });
}

function lost(folder: string): UserError {
  return new UserError({
    code: "pull.in-use",
    message: `another pull has taken over '${folder}': for ${claimTimes.ttlMs / 1000} s it saw no sign of this one`,
    hint: "let that one end, or name another folder",
  });
}
