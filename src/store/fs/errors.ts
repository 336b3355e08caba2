/**
 * What the system's error codes mean to people. A code that names a state of the machine which somebody can change
 * becomes a `UserError` with the remedy; one that may pass becomes a `TransientError`; everything else is left alone,
 * since a file store that meets it has a bug.
 */
import { systemCode, TransientError, UserError } from "../../base/errors.ts";

type Remedy = {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
};

const elsewhere = "or name another store with --store";

const folderInTheWay: Remedy = {
  code: "store.not-a-file",
  what: "a folder stands where a file is needed",
  hint: `look at what lies there and move it away, ${elsewhere}`,
};

const remedies: Readonly<Record<string, Remedy>> = {
  ENOSPC: {
    code: "store.full",
    what: "no space is left on its disk",
    hint: `free some space, ${elsewhere}`,
  },
  EDQUOT: {
    code: "store.quota",
    what: "your disk quota is used up",
    hint: `free some space, ask for a larger quota, ${elsewhere}`,
  },
  EROFS: {
    code: "store.read-only",
    what: "its file system is mounted read-only",
    hint: `mount it for writing, ${elsewhere}`,
  },
  EACCES: {
    code: "store.denied",
    what: "this user may not do that there",
    hint: `give this user the right to read and write the folder, ${elsewhere}`,
  },
  EPERM: {
    code: "store.denied",
    what: "the system refuses it: wrong user, an immutable file, or a file system without hard links",
    hint: `check the folder's owner and its kind of file system, ${elsewhere}`,
  },
  EOPNOTSUPP: {
    code: "store.unsupported",
    what: "its file system has no hard links",
    hint: `two writers could both win there: use a local or NFS folder, ${elsewhere}`,
  },
  EXDEV: {
    code: "store.split",
    what: "a folder inside the store is on another file system",
    hint: "keep one store on one file system: no mounts or symbolic links inside it",
  },
  ENOTDIR: {
    code: "store.not-a-folder",
    what: "a file stands where a folder is needed",
    hint: `look at what lies there and move it away, ${elsewhere}`,
  },
  EISDIR: folderInTheWay,
  EEXIST: folderInTheWay,
  ENAMETOOLONG: {
    code: "store.name-too-long",
    what: "the name is too long for its file system",
    hint: "keep the store in a folder with a shorter path",
  },
  EFBIG: {
    code: "store.file-too-large",
    what: "the file is larger than the file system or `ulimit -f` allows",
    hint: `raise the limit, ${elsewhere}`,
  },
  // Absent objects are answers and never come here; what is left is a folder that cannot be made.
  ENOENT: {
    code: "store.no-folder",
    what: "no folder can be made there",
    hint: `keep the store on an ordinary file system, ${elsewhere}`,
  },
  ELOOP: {
    code: "store.link-loop",
    what: "its symbolic links go in a circle",
    hint: "remove the links inside the store's folder",
  },
};

const passing: ReadonlySet<string> = new Set([
  "EAGAIN",
  "EBUSY",
  "EINTR",
  "EIO",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "ESTALE",
  "ETIMEDOUT",
]);

/** A thrown value as the port promises it: what was done, where, and what to do about it. */
export function toStoreError(
  thrown: unknown,
  at: {
    readonly action: string;
    readonly directory: string;
    readonly path: string;
  },
): unknown {
  const code = systemCode(thrown);
  if (code === null) return thrown;
  const where = `cannot ${at.action} '${at.path}' in the store ${at.directory}`;
  const remedy = remedies[code === "ENOTSUP" ? "EOPNOTSUPP" : code];
  if (remedy)
    return new UserError({
      code: remedy.code,
      message: `${where}: ${remedy.what} (${code})`,
      hint: remedy.hint,
      cause: thrown,
    });
  if (passing.has(code))
    return new TransientError({
      code: `store.${code.toLowerCase()}`,
      message: `${where}: ${thrown instanceof Error ? thrown.message : code}`,
      cause: thrown,
    });
  return thrown;
}

/** Whether an error says that there is nothing at that path. */
export function isAbsence(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === "ENOENT" || code === "ENOTDIR";
}
