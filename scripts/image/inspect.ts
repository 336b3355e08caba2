/**
 * Looks into an image as a strict cluster runs it: its root read only, no network, the user that the image says, nothing
 * writable but /tmp. Needs root.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Buildah } from "../cluster/buildah.ts";

/** Mounts what a container has; then the program takes the place of the shell. */
const ENTER = `
set -e
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
`;

export type ImageConfig = {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
};

export type Ended = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Inside = {
  readonly config: ImageConfig;
  /** Runs a program in the image; by its whole path. */
  run(...command: readonly string[]): Promise<Ended>;
  read(file: string): Promise<string>;
};

export async function insideImage<T>(
  buildah: Buildah,
  image: string,
  act: (inside: Inside) => Promise<T>,
): Promise<T> {
  const inspected = JSON.parse(
    await buildah.run("inspect", "--type", "image", image),
  ) as { readonly OCIv1: { readonly config: ImageConfig } };
  const { config } = inspected.OCIv1;
  const from = await buildah.run("from", "--pull-never", image);
  const container = from.trim();
  try {
    const root = (await buildah.run("mount", container)).trim();
    return await act({
      config,
      run: (...command) =>
        enter([root, config.User, ...config.Env, ...command]),
      read: (file) => readFile(path.join(root, file), "utf8"),
    });
  } finally {
    await buildah.run("rm", container);
  }
}

/** Mounts go with the namespace that they are in. */
function enter(words: readonly string[]): Promise<Ended> {
  const args = ["--mount", "--net", "sh", "-c", ENTER, "enter", ...words];
  return new Promise((resolve) => {
    execFile("unshare", args, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : 0;
      resolve({ code: error === null ? 0 : code || 1, stdout, stderr });
    });
  });
}
