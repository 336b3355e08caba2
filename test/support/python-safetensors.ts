/** The reference implementation of safetensors in a virtual environment in the user's cache (20 MB), installed once. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { findPythonWithTorch } from "../../bench/torch.ts";
import { cacheRootOf } from "../../src/engine/location.ts";

const packages = ["safetensors==0.6.2", "numpy"];

/** Python with safetensors, and with PyTorch where that is there already; null: it is not there and cannot be had. */
export function findPythonWithSafetensors(): string | null {
  const torch = findPythonWithTorch();
  if (torch !== null) return torch;
  const cache = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const home = path.join(cache, "hueline", "bench", "safetensors");
  const python = path.join(home, "bin", "python");
  const runs = (...args: readonly string[]): boolean =>
    spawnSync(args[0] ?? "", args.slice(1), { stdio: "ignore" }).status === 0;
  if (existsSync(python) && runs(python, "-c", "import safetensors, numpy"))
    return python;
  mkdirSync(home, { recursive: true });
  const isThere =
    runs("python3", "-m", "venv", home) &&
    runs(path.join(home, "bin", "pip"), "install", ...packages);
  return isThere ? python : null;
}
