/**
 * The real S3 server that tests and people run the store against: versitygw over a folder.
 * Chosen for what it refuses: wrong checksums, wrong signatures and conditions that do not hold, one winner in a race.
 *
 * Installed once per version with Go's own client into the user's cache; started on a free port of the loopback
 * interface with keys of its own. It never leaves a process behind that its starter did not know of.
 */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { systemCode, toError, UserError } from "../../src/base/errors.ts";

const version = "1.8.0";
const module = "github.com/versity/versitygw/cmd/versitygw";
const installTimeoutMs = 15 * 60_000;
const startTimeoutMs = 30_000;
const startTries = 3;

/** Returns the program, and installs it if this version is not there yet (about two minutes). */
export async function installVersitygw(options: {
  /** The user's cache folder. */
  readonly cacheRoot: string;
}): Promise<string> {
  const folder = path.join(options.cacheRoot, "hueline", "s3-server");
  const name = `versitygw-${version}-${process.platform}-${process.arch}`;
  const program = path.join(folder, name);
  if (await exists(program)) return program;
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(path.join(folder, "install-"));
  try {
    await promisify(execFile)("go", ["install", `${module}@v${version}`], {
      env: { ...process.env, GOBIN: scratch },
      timeout: installTimeoutMs,
    });
    // By one rename: a second installer replaces the same program.
    await rename(path.join(scratch, "versitygw"), program);
    return program;
  } catch (thrown) {
    throw toInstallError(thrown);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export type RunningServer = {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
};

type ServerOptions = {
  readonly program: string;
  readonly directory: string;
  /** Where it listens. Default: the loopback interface. */
  readonly host?: string;
  /** Whether it stands for another machine: it then runs only where a core has nothing else to do. Default: no. */
  readonly isElsewhere?: boolean;
};

/** Starts the server over `directory`, whose file system must have extended attributes. */
export async function startVersitygw(
  options: ServerOptions & {
    /** Default: a free one. */
    readonly port?: number;
  },
): Promise<RunningServer> {
  for (let left = startTries - 1; ; left--) {
    try {
      return await tryStart(options, options.port ?? (await findFreePort()));
    } catch (thrown) {
      // Somebody may have taken the port that was free a moment ago.
      if (left === 0 || options.port !== undefined) throw thrown;
    }
  }
}

async function tryStart(
  {
    program,
    directory,
    host = "127.0.0.1",
    isElsewhere = false,
  }: ServerOptions,
  port: number,
): Promise<RunningServer> {
  const keys = { accessKeyId: "hueline", secretAccessKey: "hueline-secret" };
  const address = `${host}:${port}`;
  const words = ["--port", address, "--quiet", "posix", directory];
  // Set before it starts: Linux has a policy for each thread, inherited by those that the thread makes. This one gives way more
  // than any niceness (sched(7)), if not always at once: who has just had more than its share may wait for a tick.
  const [command, before] = isElsewhere
    ? ["chrt", ["--idle", "0", program]]
    : [program, []];
  const child = spawn(command, [...before, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      ROOT_ACCESS_KEY_ID: keys.accessKeyId,
      ROOT_SECRET_ACCESS_KEY: keys.secretAccessKey,
    },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const endpoint = `http://${address}`;
  try {
    await untilAnswers(endpoint, child, () => errors);
  } catch (thrown) {
    await stop(child);
    throw thrown;
  }
  return { endpoint, ...keys, stop: () => stop(child) };
}

async function untilAnswers(
  endpoint: string,
  child: ChildProcess,
  errors: () => string,
): Promise<void> {
  const startMs = performance.now();
  while (performance.now() - startMs < startTimeoutMs) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`versitygw ended at once: ${errors()}`);
    try {
      const answer = await fetch(endpoint);
      await answer.body?.cancel();
      return;
    } catch {
      // Not listening yet.
      await delay(20);
    }
  }
  throw new Error(`versitygw does not answer at ${endpoint}: ${errors()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string")
    throw new Error("a listening server has no port");
  return address.port;
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

function toInstallError(thrown: unknown): UserError {
  const isGoAbsent = systemCode(thrown) === "ENOENT";
  return new UserError({
    code: isGoAbsent ? "s3-server.no-go" : "s3-server.install",
    message: isGoAbsent
      ? "the S3 test server is installed with Go, which is not on this machine"
      : `versitygw ${version} could not be installed: ${toError(thrown).message}`,
    hint: isGoAbsent
      ? "install Go 1.24 or newer (https://go.dev/dl)"
      : "check that Go can reach its module proxy: go env GOPROXY",
    cause: thrown,
  });
}
