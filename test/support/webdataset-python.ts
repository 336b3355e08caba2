/**
 * A Python with WebDataset and Pillow, in a virtual environment below the user's cache: how other people read shards.
 * Installed once (a few seconds, 120 MB); versions are pinned.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { systemCode } from "../../src/base/errors.ts";

const packages = ["webdataset==1.0.2", "pillow==13.0.0", "numpy==2.4.6"];

/** The interpreter. Throws where it is not there yet and cannot be had. */
export async function installWebDataset(cacheRoot: string): Promise<string> {
  const parent = path.join(cacheRoot, "hueline", "bench");
  const version = createHash("sha256").update(packages.join()).digest("hex");
  const home = path.join(parent, `webdataset-${version.slice(0, 8)}`);
  const python = path.join(home, "bin", "python");
  if (existsSync(home)) return python;
  await mkdir(parent, { recursive: true });
  // A virtual environment works only where it was made: it stays there, and a link says that it is complete.
  const made = await mkdtemp(`${home}-`);
  try {
    const run = promisify(execFile);
    await run("python3", ["-m", "venv", made]);
    const pip = path.join(made, "bin", "pip");
    await run(pip, ["install", "--quiet", ...packages], { timeout: 120_000 });
    await symlink(made, home);
  } catch (thrown) {
    await rm(made, { recursive: true, force: true });
    // Somebody else was first: theirs is as good.
    if (systemCode(thrown) !== "EEXIST") throw thrown;
  }
  return python;
}
