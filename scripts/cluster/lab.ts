/**
 * A real Kubernetes on this machine, by the scripts of a folder `kube-lab` beside the checkout or in a folder beside it:
 * API server, scheduler, controller manager, a kubelet with containerd, in a network namespace of its own. Needs root on
 * Debian; what it needs besides is installed by name. One lab with a node at a time: kubelets remove the pod cgroups of
 * others.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { access, mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the scripts are; where they would be, if they are nowhere. */
export const labScripts = findScripts(
  path.resolve(import.meta.dirname, "../../.."),
);

function findScripts(parent: string): string {
  const folders = [".", ...readdirSync(parent)].map((sibling) =>
    path.join(parent, sibling, "kube-lab"),
  );
  const found = folders.find((folder) =>
    existsSync(path.join(folder, "lab.sh")),
  );
  return found ?? path.join(parent, "kube-lab");
}

const packages = [
  "containerd",
  "runc",
  "containernetworking-plugins",
  "buildah",
  "busybox-static",
  "iproute2",
  "openssl",
  "curl",
  "socat",
  "etcd-server",
  "kubectl",
  "xz-utils",
  "unzip",
];

export type Lab = {
  /** What `lab.sh` needs to be called again, for tests that stop a node or restart the API server. */
  readonly environment: Readonly<Record<string, string>>;
  readonly kubeconfig: string;
  /** Runs a program inside the lab's network; resolves with its exit code. */
  run(
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<number>;
  load(tar: string): Promise<void>;
  down(): Promise<void>;
};

/** Why there can be no lab here; null: there can. */
export async function whyNoLab(): Promise<string | null> {
  if (!(await exists(path.join(labScripts, "lab.sh"))))
    return "there is no folder 'kube-lab' beside the checkout, and no cluster was named";
  if (process.getuid?.() !== 0) return "a lab needs root";
  try {
    // Containers often have root without the right to make a network.
    await run("unshare", ["--net", "--mount", "true"]);
  } catch {
    return "a lab needs namespaces of the kernel, which are not allowed here";
  }
  return null;
}

/** Installs what the lab is made of: Debian's packages and the Kubernetes programs. Returns the folder of the latter. */
export async function installLab(): Promise<string> {
  const missing: string[] = [];
  for (const name of packages)
    if (!(await isInstalled(name))) missing.push(name);
  if (missing.length > 0) {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env: environment });
    await run(
      "apt-get",
      ["install", "-y", "-qq", "--no-install-recommends", ...missing],
      { env: environment, maxBuffer: 64 * 2 ** 20 },
    );
  }
  const { stdout } = await run(path.join(labScripts, "programs.sh"));
  return stdout.trim();
}

/** Starts a lab with one node and the images of `tars` in it. */
export async function startLab(options: {
  readonly folder: string;
  readonly programs: string;
  readonly tars: readonly string[];
  readonly network: string;
  /** `control`: without a node. */
  readonly kind: "control" | "node";
}): Promise<Lab> {
  const { folder, programs, tars, network, kind } = options;
  await mkdir(folder, { recursive: true });
  const environment = {
    LAB: folder,
    NETNS: network,
    K8S_BIN: programs,
    IMAGE_TARS: tars.join(" "),
    LAB_SH: path.join(labScripts, "lab.sh"),
    // A node that died is told so soon: tests wait for it.
    NODE_GRACE: "12s",
    // The scripts name the node after it, and npm sets it to the path of its own program.
    NODE: "lab-node",
  };
  const lab = (...words: string[]) =>
    run(environment.LAB_SH, words, {
      env: { ...process.env, ...environment },
      maxBuffer: 64 * 2 ** 20,
    });
  const kubeconfig = path.join(folder, "conf/admin.conf");
  const down = async (): Promise<void> => {
    await lab("down");
  };
  try {
    await lab("up", kind);
  } catch (thrown) {
    const last = await lastWords(path.join(folder, "log"));
    await down();
    await rm(folder, { recursive: true, force: true });
    throw new Error(`the cluster did not start\n${last}`, { cause: thrown });
  }
  return {
    environment,
    kubeconfig,
    async run(command, more) {
      const child = spawn(environment.LAB_SH, ["run", ...command], {
        stdio: "inherit",
        env: {
          ...process.env,
          ...environment,
          ...more,
          KUBECONFIG: kubeconfig,
        },
      });
      const [code] = (await once(child, "exit")) as [number | null];
      return code ?? 1;
    },
    async load(tar) {
      await lab("load", tar);
    },
    down,
  };
}

/** The end of each program's log: the scripts themselves often fail without a word. */
async function lastWords(folder: string): Promise<string> {
  if (!(await exists(folder))) return "before any of its programs ran";
  const ends: string[] = [];
  for (const name of await readdir(folder)) {
    const text = await readFile(path.join(folder, name), "utf8");
    ends.push(`${name}:`, ...text.trimEnd().split("\n").slice(-5));
  }
  return ends.join("\n");
}

async function isInstalled(name: string): Promise<boolean> {
  try {
    const { stdout } = await run("dpkg-query", ["-W", "-f=${Status}", name]);
    return stdout.endsWith("ok installed");
  } catch {
    return name === "kubectl" && (await onPath("kubectl"));
  }
}

async function onPath(program: string): Promise<boolean> {
  try {
    await run("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
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
