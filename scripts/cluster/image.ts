/**
 * The product's image, built by the Dockerfile with buildah, without a registry: the base is a stand-in for
 * `node:22-bookworm-slim` made of this machine's own programs, and the engine is the one of the user's cache. Layers are
 * kept, so that a second build costs what has changed.
 */
import { execFile } from "node:child_process";
import { access, cp, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { npmSecret, withBuildah, type Buildah } from "./buildah.ts";
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
  return await withBuildah(async (buildah) => {
    if (!(await buildah.has(base))) await buildBase(buildah);
    const engineFile = path.join(buildah.scratch, "Dockerfile");
    await writeFile(engineFile, "FROM scratch\nCOPY . /opt/hueline/engine\n");
    await buildah.build("-t", engineImage, "-f", engineFile, engine);
    await buildah.build(
      "--network=host",
      "--target=cpu",
      `--tag=${name}`,
      `--build-arg=NODE_IMAGE=${base}`,
      `--build-context=engine-cpu=container-image://${engineImage}`,
      ...(await npmSecret()),
      root,
    );
    await dropContexts(buildah);
    await mkdir(folder, { recursive: true });
    const archive = path.join(folder, "hueline.tar");
    await rm(archive, { force: true });
    await buildah.run("push", "-q", name, `oci-archive:${archive}:${name}`);
    return archive;
  });
}

/** buildah 1.28 leaves the container that it opens of a build context. */
async function dropContexts({ run: buildah }: Buildah): Promise<void> {
  const filter = `ancestor=${engineImage}`;
  const left = await buildah("containers", "--quiet", "--filter", filter);
  const ids = left.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await buildah("rm", ...ids);
}

async function buildBase({ scratch, build }: Buildah): Promise<void> {
  await run(path.join(labScripts, "node-base.sh"), [bare], {
    env: { ...systemVariables(), NODE: process.execPath },
  });
  const context = path.join(scratch, "base");
  await collectLibraries(path.join(context, "root"));
  const words = [`FROM ${bare}`, "COPY root /", ""];
  await writeFile(path.join(context, "Dockerfile"), words.join("\n"));
  await build("-t", base, context);
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

/** Without the programs of this project's packages, and what an npm of theirs says of itself: npm is asked where its folder is. */
export function systemVariables(): NodeJS.ProcessEnv {
  const { PATH = "", ...variables } = process.env;
  const own = Object.entries(variables).filter(
    ([name]) => !name.startsWith("npm_config_"),
  );
  const folders = PATH.split(path.delimiter).filter(
    (folder) => !folder.includes("node_modules"),
  );
  return { ...Object.fromEntries(own), PATH: folders.join(path.delimiter) };
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
