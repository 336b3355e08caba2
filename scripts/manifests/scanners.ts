/**
 * Other people's programs that judge Kubernetes manifests: kubeconform and kube-score by Go, checkov and the schemas of
 * several Kubernetes versions (of the package kubernetes-validate) from PyPI. Versions are pinned. Installed once into the
 * user's cache (some minutes, 500 MB); none of them asks the network for anything when it runs.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { systemCode, toError, UserError } from "../../src/base/errors.ts";

const modules = [
  "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
  "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
];
const packages = ["checkov==3.3.30", "kubernetes-validate==1.37.0"];
const installTimeoutMs = 20 * 60_000;

export type Scanners = {
  readonly kubeconform: string;
  readonly kubeScore: string;
  readonly checkov: string;
  /** A folder for each version: `v1.31.0-local-strict/deployment-apps-v1.json`. */
  readonly schemas: string;
};

/** Throws `scanners.install` (UserError) where they are not there yet and cannot be had. */
export async function installScanners(options: {
  /** The user's cache folder. */
  readonly cacheRoot: string;
}): Promise<Scanners> {
  const parent = path.join(options.cacheRoot, "hueline", "cluster");
  const version = createHash("sha256")
    .update([...modules, ...packages].join())
    .digest("hex");
  const home = path.join(parent, `scanners-${version.slice(0, 8)}`);
  if (!existsSync(home)) {
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
  }
  return await findScanners(home);
}

async function install(folder: string): Promise<void> {
  const run = (command: string, args: readonly string[]) =>
    promisify(execFile)(command, args, {
      env: { ...process.env, GOBIN: path.join(folder, "bin") },
      timeout: installTimeoutMs,
      maxBuffer: 2 ** 26,
    });
  for (const module of modules) await run("go", ["install", module]);
  const python = path.join(folder, "python");
  await run("python3", ["-m", "venv", python]);
  const pip = path.join(python, "bin", "pip");
  await run(pip, ["install", "--quiet", ...packages]);
}

async function findScanners(home: string): Promise<Scanners> {
  const library = path.join(home, "python", "lib");
  const [python = ""] = await readdir(library);
  return {
    kubeconform: path.join(home, "bin", "kubeconform"),
    kubeScore: path.join(home, "bin", "kube-score"),
    checkov: path.join(home, "python", "bin", "checkov"),
    schemas: path.join(
      library,
      python,
      "site-packages/kubernetes_validate/kubernetes-json-schema",
    ),
  };
}

function toInstallError(thrown: unknown): UserError {
  return new UserError({
    code: "scanners.install",
    message: `kubeconform, kube-score and checkov could not be installed: ${toError(thrown).message}`,
    hint: "needs Go, and python3 with venv, and a network",
    cause: thrown,
  });
}
