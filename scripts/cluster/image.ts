/**
 * The product's image, built by the Dockerfile with buildah, without a registry: the base is a stand-in for
 * `node:22-bookworm-slim` made of this machine's own programs, and the engine is the one of the user's cache. Layers are
 * kept, so that a second build costs what has changed.
 */
import { execFile } from "node:child_process";
import { access, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { labScripts } from "./lab.ts";

const run = promisify(execFile);
const bare = "localhost/node:22-bookworm-slim";
const base = "localhost/hueline-base:22-bookworm-slim";
/** Debian's packages whose libraries the engine and the addons of npm's packages are linked with; Node needs fewer. */
const libraries = ["libc6", "libgcc-s1", "libstdc++6"];
const engineImage = "localhost/hueline-engine:cpu";

/** Builds the image under `name` and writes it as an archive; returns the archive's path. */
export async function buildImage(options: {
  readonly root: string;
  /** Of the engine that is put into it. */
  readonly engine: string;
  readonly name: string;
  readonly folder: string;
}): Promise<string> {
  const { root, engine, name, folder } = options;
  const scratch = await mkdtemp(path.join(tmpdir(), "hueline-image-"));
  const policy = path.join(scratch, "policy.json");
  const build = (...words: string[]) =>
    run(
      "buildah",
      [
        "--signature-policy",
        policy,
        "bud",
        "-q",
        "--isolation",
        "chroot",
        ...words,
      ],
      { maxBuffer: 64 * 2 ** 20 },
    );
  try {
    await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
    if (!(await isBuilt(base))) {
      await run(path.join(labScripts, "node-base.sh"), [bare], {
        env: { ...process.env, NODE: process.execPath, PATH: systemPath() },
      });
      const context = path.join(scratch, "base");
      await collectLibraries(path.join(context, "root"));
      const words = [`FROM ${bare}`, "COPY root /", ""];
      await writeFile(path.join(context, "Dockerfile"), words.join("\n"));
      await build("--pull=never", "-t", base, context);
    }
    const engineFile = path.join(scratch, "Dockerfile");
    await writeFile(engineFile, "FROM scratch\nCOPY . /opt/hueline/engine\n");
    await build("--layers", "-t", engineImage, "-f", engineFile, engine);
    const secret = path.join(homedir(), ".npmrc");
    await build(
      "--layers",
      "--pull=never",
      "--network",
      "host",
      "--target",
      "cpu",
      "--build-arg",
      `NODE_IMAGE=${base}`,
      "--build-context",
      `engine-cpu=container-image://${engineImage}`,
      ...((await exists(secret)) ? ["--secret", `id=npmrc,src=${secret}`] : []),
      "-t",
      name,
      root,
    );
    await mkdir(folder, { recursive: true });
    const archive = path.join(folder, "hueline.tar");
    await rm(archive, { force: true });
    const words = ["push", "-q", name, `oci-archive:${archive}:${name}`];
    await run("buildah", ["--signature-policy", policy, ...words]);
    return archive;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Copies shared libraries of this machine below `root`, where they lie here. */
async function collectLibraries(root: string): Promise<void> {
  const { stdout } = await run("dpkg-query", ["-L", ...libraries]);
  const files = stdout.split("\n").filter((file) => /\.so[.0-9]*$/.test(file));
  for (const file of files)
    await cp(file, path.join(root, file), { dereference: true });
}

/** The sandbox image that every pod has. */
export async function buildPauseImage(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const archive = path.join(folder, "pause.tar");
  if (!(await exists(archive)))
    await run(path.join(labScripts, "pause-image.sh"), [archive]);
  return archive;
}

/** Without the programs of this project's packages: npm is asked where its own folder is. */
function systemPath(): string {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders
    .filter((folder) => !folder.includes("node_modules"))
    .join(path.delimiter);
}

async function isBuilt(name: string): Promise<boolean> {
  try {
    await run("buildah", ["inspect", "--type", "image", name], {
      maxBuffer: 64 * 2 ** 20,
    });
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
