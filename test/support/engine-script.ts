/**
 * `scripts/engine.ts` as a child process with a cache of its own and a toolchain of stubs, so that faults can be
 * injected and nothing is downloaded: "pip" leaves an empty wheel, "unpacking" and "compiling" copy this machine's real
 * engine, so that what comes out can be loaded and proven.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  cacheRootOf,
  engineDirectory,
  findEngine,
  toEnginePlatform,
} from "../../src/engine/location.ts";

const script = fileURLToPath(
  new URL("../../scripts/engine.ts", import.meta.url),
);
const platform =
  toEnginePlatform(process.platform, process.arch) ?? "linux-x64";
const realEngine = findEngine({
  cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
  platform,
  override: process.env["HUELINE_ENGINE"],
}).directory;

/** A stub at its stage (download, unpack, compile) works, or by STUB_<stage> fails, hangs, or waits for `go`. */
const ACT = `
act() { # stage
  /bin/echo "$1" >> "$STUB_LOG"
  eval "behaviour=\\$STUB_$1"
  case "$behaviour" in
    fail) /bin/echo "OSError: [Errno 28] No space left on device" >&2; exit 1;;
    hang) /bin/echo $$ > "$STUB_PID"; exec /bin/sleep 600;;
    wait) while [ ! -e "$STUB_GO" ]; do /bin/sleep 0.02; done;;
  esac
}
copy() { /bin/cp -rl "$@" 2>/dev/null || /bin/cp -r "$@"; }
`;
const PYTHON = `#!/bin/sh
${ACT}
case "$*" in
  "-c import sys"*) exit 0;;
  "-m pip --version") exit "\${STUB_NO_PIP:-0}";;
  "-m pip download"*)
    act download
    while [ "$1" != -d ]; do shift; done
    : > "$2/stub.whl";;
  *)
    act unpack
    copy "$STUB_ENGINE/tensorflow" "$STUB_ENGINE/include" "$4";;
esac
`;
const COMPILER = `#!/bin/sh
${ACT}
[ "$1" = --version ] && exit 0
act compile
while [ "$1" != -o ]; do shift; done
copy "$STUB_ENGINE/\${2##*/}" "$2"
`;

export type Finished = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
};
export type Running = {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Everything on standard error so far. */
  readonly stderr: () => string;
};

export class EngineScript {
  readonly root = mkdtempSync(join(tmpdir(), "hueline-engine-script-"));
  readonly cache = join(this.root, "cache");
  readonly engines = join(this.cache, "hueline", "engine");
  readonly directory = engineDirectory({
    cacheRoot: this.cache,
    platform,
    variant: "cpu",
  });
  readonly #bin = join(this.root, "bin");

  constructor() {
    mkdirSync(this.#bin);
    this.addTool("python3", PYTHON);
    this.addTool("g++", COMPILER);
  }

  addTool(name: string, text: string): void {
    writeFileSync(join(this.#bin, name), text);
    chmodSync(join(this.#bin, name), 0o755);
  }
  removeTool(name: string): void {
    rmSync(join(this.#bin, name));
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const child = spawn(process.execPath, [script, ...args], {
      env: {
        PATH: this.#bin,
        XDG_CACHE_HOME: this.cache,
        STUB_ENGINE: realEngine,
        STUB_LOG: join(this.root, "log"),
        STUB_PID: join(this.root, "pid"),
        STUB_GO: join(this.root, "go"),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) =>
        resolve({ code, signal, stdout, stderr }),
      );
    });
    return { child, finished, stderr: () => stderr };
  }

  run(
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Finished> {
    return this.start(args, env).finished;
  }

  /** The stages that stubs went through, in order. */
  stages(): string[] {
    const path = join(this.root, "log");
    return existsSync(path)
      ? readFileSync(path, "utf8").trim().split("\n")
      : [];
  }

  /** The process id of the stub that hangs; throws until there is one. */
  hangingStub(): number {
    const text = readFileSync(join(this.root, "pid"), "utf8");
    // Half-written it could be empty, and a kill of process 0 is one of our own group.
    if (!/^[1-9]\d*\n$/.test(text)) throw new Error("no process id yet");
    return Number(text);
  }

  killStub(pid: number): void {
    process.kill(pid);
    rmSync(join(this.root, "pid"));
  }

  /** Takes over the engine that `other` built: hard links, so change no file in place. */
  copyEngine(other: EngineScript): void {
    mkdirSync(this.engines, { recursive: true });
    execFileSync("cp", ["-rl", other.directory, this.directory]);
  }

  /** Lets stubs that wait go on. */
  go(): void {
    writeFileSync(join(this.root, "go"), "");
  }

  /** Everything in the folder of engines: engines, locks, scratch folders. */
  entries(): string[] {
    return existsSync(this.engines) ? readdirSync(this.engines).sort() : [];
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
