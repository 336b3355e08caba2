/**
 * Makes the small golden files of `test/golden/reference/` again: runs every script of `scripts/reference/`, or those that are
 * named (`node scripts/reference.ts classification`), with a Python that has PyTorch, which it installs the first time.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { pythonWithTorch } from "../bench/torch.ts";

const folder = path.join(import.meta.dirname, "reference");
const wanted = process.argv.slice(2);
const scripts = readdirSync(folder)
  .filter((name) => name.endsWith(".py"))
  .filter((name) => wanted.length === 0 || wanted.includes(name.slice(0, -3)))
  .sort();
if (scripts.length === 0)
  throw new Error(`no script of ${folder} is named ${wanted.join(", ")}`);
const python = pythonWithTorch();
for (const script of scripts) {
  console.log(script);
  const { status } = spawnSync(python, [path.join(folder, script)], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}`);
}
