/**
 * One file that a pipeline names, such as weights of another program: on this machine, or `s3://bucket/path` with the standard
 * AWS configuration. Read whole.
 *
 * Its fingerprint is `sha256:<of its bytes>` on this machine and `object:<bytes>,<time of change in ms>` in a bucket, where no
 * object is read to plan (as with folders, `fingerprint.ts`). Whoever reads it later is held to it.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import { hashFile } from "../../base/hash-file.ts";
import { openStore } from "../../store/open-store.ts";
import { orUnreadable } from "./file-tree.ts";

export type FilePlace = {
  /** A path or a URL, for messages. */
  readonly name: string;
  fingerprint(): Promise<string>;
  /** @throws UserError `data.source-changed` unless what is read has the fingerprint, where one is given. */
  read(fingerprint?: string): Promise<Uint8Array>;
};

/** @throws UserError `data.file-missing` when there is no such file, `data.source-unsupported` */
export async function openFilePlace(place: string): Promise<FilePlace> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(place)?.[1]?.toLowerCase();
  if (scheme === "s3") return await openObject(place);
  if (scheme !== undefined)
    throw new UserError({
      code: "data.source-unsupported",
      message: `expected the path of a file or s3://bucket/path, found '${place}'`,
      hint: "copy the file to a bucket, or to a folder that the worker can see",
    });
  return await openLocal(path.resolve(place));
}

async function openLocal(name: string): Promise<FilePlace> {
  const found = await stat(name).catch((thrown: unknown) => {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw thrown;
  });
  if (!found?.isFile())
    throw missing(
      `expected a file at '${name}', found ${found ? "a folder" : "nothing"}`,
      "check the `file` of the stage; a relative path is taken from the current folder",
    );
  return {
    name,
    fingerprint: async () => {
      const { sha256 } = await orUnreadable(name, () => hashFile(name));
      return `sha256:${sha256}`;
    },
    async read(fingerprint) {
      const bytes = await orUnreadable(name, () => readFile(name));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      if (fingerprint !== undefined && fingerprint !== `sha256:${sha256}`)
        throw changed(name);
      return bytes;
    },
  };
}

async function openObject(url: string): Promise<FilePlace> {
  const [, folder = url, name = ""] =
    /^(s3:\/\/[^/]+(?:\/.+)?)\/([^/]+)$/i.exec(url) ?? [];
  const store = openStore(folder, { currentFolder: "/" });
  const found = name === "" ? null : await store.stat(name);
  if (!found)
    throw missing(
      `expected an object at '${url}', found none`,
      "check the `file` of the stage: bucket, path, and the account that AWS's configuration names",
    );
  const own = `object:${found.sizeBytes},${found.modifiedAtMs}`;
  return {
    name: url,
    fingerprint: () => Promise.resolve(own),
    async read(fingerprint) {
      if (fingerprint !== undefined && fingerprint !== own) throw changed(url);
      const bytes = await store.read(name);
      if (bytes?.length !== found.sizeBytes) throw changed(url);
      return bytes;
    },
  };
}

function missing(message: string, hint: string): UserError {
  return new UserError({ code: "data.file-missing", message, hint });
}

function changed(name: string): UserError {
  return new UserError({
    code: "data.source-changed",
    message: `'${name}' is not the file that the run was planned with`,
    hint: "run the pipeline again: what lies there now gets a key of its own",
  });
}
