/** PyTorch in a virtual environment in the user's cache, for scripts that measure beside it or let it read what we wrote. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { cacheRootOf } from "../src/engine/location.ts";

const modules = ["torch", "numpy", "safetensors"];

/** Whether it is there already; it is large (5 GB: the package index has no smaller build for Linux). */
export function findPythonWithTorch(): string | null {
  const python = join(home(), "bin", "python");
  const isThere =
    existsSync(python) &&
    spawnSync(python, ["-c", `import ${modules.join(", ")}`]).status === 0;
  return isThere ? python : null;
}

/** The Python that has it; installs it the first time. */
export function pythonWithTorch(): string {
  const found = findPythonWithTorch();
  if (found !== null) return found;
  const folder = home();
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`installing PyTorch into ${folder}\n`);
  for (const [command, ...args] of [
    ["python3", "-m", "venv", folder],
    [join(folder, "bin", "pip"), "install", ...modules],
  ] as [string, ...string[]][])
    if (spawnSync(command, args, { stdio: ["ignore", 2, 2] }).status !== 0)
      throw new Error(`${command} ${args.join(" ")} failed`);
  return join(folder, "bin", "python");
}

function home(): string {
  const cache = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  return join(cache, "hueline", "bench", "torch");
}
