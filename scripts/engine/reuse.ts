/**
 * Takes TensorFlow's libraries from an engine that is there already, so that a change of our addon's source costs a
 * compilation and no download. The files are hard links where the file system allows: no disk space either.
 */
import { copyFile, link, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../src/base/errors.ts";
import { bindingName, sessionName } from "../../src/engine/location.ts";
import { readStamp, type EngineStamp } from "../../src/engine/stamp.ts";
import { hashFile } from "./hash.ts";

/**
 * Fills `folder` with the libraries and headers of an engine below `root` that was made from the same wheels in the same
 * way (`libraries`) and whose bytes are still those of its stamp. Says whether there was one.
 */
export async function reuseLibraries(
  root: string,
  folder: string,
  libraries: string,
): Promise<boolean> {
  for (const name of await readdir(root)) {
    if (name.startsWith(".")) continue;
    const donor = join(root, name);
    const stamp = readStamp(donor);
    if (stamp?.libraries !== libraries) continue;
    if (await linkFiles(donor, folder, stamp)) return true;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
  }
  return false;
}

async function linkFiles(
  donor: string,
  folder: string,
  stamp: EngineStamp,
): Promise<boolean> {
  for (const [name, { sha256 }] of Object.entries(stamp.files)) {
    if (name === bindingName || name === sessionName) continue;
    const to = join(folder, name);
    await mkdir(dirname(to), { recursive: true });
    if (!(await linkOrCopy(join(donor, name), to))) return false;
    if ((await hashFile(to)) !== sha256) return false;
  }
  return true;
}

/** False when `from` is gone; its owner may have removed it meanwhile. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT") return false;
    // No hard links here, or not across these folders.
    if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK") throw thrown;
  }
  await copyFile(from, to);
  return true;
}
