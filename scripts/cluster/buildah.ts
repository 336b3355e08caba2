/** buildah as this project uses it: in a chroot, so that no daemon and no user namespace is needed, trusting what is local. */
import { execFile } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Commands that ask whether images are signed. */
const MOVES_IMAGES = new Set(["bud", "from", "push"]);

export type Buildah = {
  /** A folder of its own, which goes with it. */
  readonly scratch: string;
  /** Runs `buildah …`; returns what it says. */
  run(...words: readonly string[]): Promise<string>;
  /** `buildah bud`, quietly, with layers that are kept. */
  build(...words: readonly string[]): Promise<void>;
  /** Whether there is an image of that name. */
  has(name: string): Promise<boolean>;
};

export async function withBuildah<T>(
  act: (buildah: Buildah) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(path.join(tmpdir(), "hueline-image-"));
  const policy = path.join(scratch, "policy.json");
  const run = async (...words: readonly string[]): Promise<string> => {
    const trust = MOVES_IMAGES.has(words[0] ?? "")
      ? ["--signature-policy", policy]
      : [];
    const args = [...trust, ...words];
    const limits = { maxBuffer: 64 * 2 ** 20 };
    return (await execute("buildah", args, limits)).stdout;
  };
  try {
    await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
    return await act({
      scratch,
      run,
      async build(...words) {
        const how = ["--isolation", "chroot", "--pull=never", "--layers"];
        await run("bud", "-q", ...how, ...words);
      },
      async has(name) {
        try {
          await run("inspect", "--type", "image", name);
          return true;
        } catch {
          return false;
        }
      },
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** How a build reaches this machine's registry of npm. */
export async function npmSecret(): Promise<readonly string[]> {
  const file = path.join(homedir(), ".npmrc");
  try {
    await access(file);
    return ["--secret", `id=npmrc,src=${file}`];
  } catch {
    return [];
  }
}
