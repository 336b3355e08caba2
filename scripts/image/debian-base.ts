/**
 * A base with all of Debian in it, for machines that reach Debian's mirror and no registry of images: bookworm by
 * debootstrap, with this machine's Node and npm, in the place of `node:22-bookworm-slim`. Builds reach the network by the
 * authorities that this machine trusts. Needs root.
 */
import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { Buildah } from "../cluster/buildah.ts";
import { systemVariables } from "../cluster/image.ts";

const run = promisify(execFile);
const TRUSTED = "/etc/ssl/certs/ca-certificates.crt";
/** A file of its own: the package ca-certificates writes its file anew when a stage installs it. */
const INSIDE = "/etc/ssl/machine.crt";

export async function buildDebianBase(
  { scratch, build }: Buildah,
  name: string,
): Promise<void> {
  const root = path.join(scratch, "debian");
  await run("debootstrap", ["--variant=minbase", "bookworm", root], {
    maxBuffer: 2 ** 26,
  });
  await addNode(root);
  await mkdir(path.join(root, path.dirname(INSIDE)), { recursive: true });
  await copyFile(TRUSTED, path.join(root, INSIDE));
  for (const folder of ["var/cache/apt/archives", "var/lib/apt/lists"]) {
    await rm(path.join(root, folder), { recursive: true });
    await mkdir(path.join(root, folder), { recursive: true });
  }
  const file = path.join(scratch, "Dockerfile");
  const lines = [
    "FROM scratch",
    "COPY . /",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `ENV NODE_EXTRA_CA_CERTS=${INSIDE} PIP_CERT=${INSIDE}`,
    "",
  ];
  await writeFile(file, lines.join("\n"));
  await build("-t", name, "-f", file, root);
}

async function addNode(root: string): Promise<void> {
  const modules = path.join(root, "usr/local/lib/node_modules");
  const bin = path.join(root, "usr/local/bin");
  await mkdir(modules, { recursive: true });
  await copyFile(process.execPath, path.join(bin, "node"));
  const { stdout } = await run("npm", ["root", "-g"], {
    env: systemVariables(),
  });
  const npm = path.join(stdout.trim(), "npm");
  await cp(npm, path.join(modules, "npm"), { recursive: true });
  for (const program of ["npm", "npx"])
    await symlink(
      `../lib/node_modules/npm/bin/${program}-cli.js`,
      path.join(bin, program),
    );
}
