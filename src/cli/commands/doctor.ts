/**
 * `hueline doctor`: what this machine has, what is missing, and the command that mends it. Exits with 65 when
 * something that a run needs is missing; warnings do not count.
 */
import { ExitCode, toError, UserError } from "../../base/errors.ts";
import {
  findEngine,
  toEnginePlatform,
  cacheRootOf,
} from "../../engine/location.ts";
import { openStore } from "../../store/open-store.ts";
import type { Environment } from "../environment.ts";
import {
  formatBytes,
  formatTable,
  painterFor,
  printJson,
  type OutputFormat,
} from "../output.ts";
import { storeUrlOf } from "../store-option.ts";

type Finding = {
  readonly check: string;
  readonly state: "ok" | "warning" | "missing";
  readonly found: string;
  readonly remedy: string;
};

const MINIMUM_NODE = [22, 19] as const;
const COMFORTABLE_MEMORY = 4 * 2 ** 30;

export async function doctor(
  environment: Environment,
  _args: readonly string[],
  options: { readonly store?: string; readonly output: OutputFormat },
): Promise<ExitCode> {
  const findings = [
    checkNode(environment.nodeVersion),
    checkEngine(environment),
    checkMemory(environment),
    await checkStore(environment, options.store),
  ];
  if (options.output === "json") printJson(environment.stdout, findings);
  else environment.stdout.write(formatFindings(findings, environment));
  return findings.some(({ state }) => state === "missing")
    ? ExitCode.data
    : ExitCode.done;
}

function formatFindings(
  findings: readonly Finding[],
  environment: Environment,
): string {
  const paint = painterFor(environment.stdout, environment.variables);
  const colours = { ok: "green", warning: "yellow", missing: "red" } as const;
  return formatTable(findings, [
    { title: "check", value: ({ check }) => check },
    { title: "state", value: ({ state }) => paint(colours[state], state) },
    { title: "found", value: ({ found }) => found },
    { title: "try", value: ({ remedy }) => remedy },
  ]);
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version
    .replace(/^v/, "")
    .split(".")
    .map(Number);
  const ok =
    major > MINIMUM_NODE[0] ||
    (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  return {
    check: "node",
    state: ok ? "ok" : "missing",
    found: version,
    remedy: ok
      ? ""
      : `Node ${MINIMUM_NODE.join(".")} or newer; npm scripts bring their own`,
  };
}

function checkEngine(environment: Environment): Finding {
  const platform = toEnginePlatform(
    environment.host.platform,
    environment.host.architecture,
  );
  if (platform === null) {
    const found = `${environment.host.platform} ${environment.host.architecture}`;
    return {
      check: "engine",
      state: "missing",
      found,
      remedy: "Linux on x64 or arm64, or a container",
    };
  }
  const cacheRoot = cacheRootOf(
    environment.variables["XDG_CACHE_HOME"],
    environment.homeDirectory,
  );
  const { directory, status } = findEngine({
    cacheRoot,
    platform,
    override: environment.variables["HUELINE_ENGINE"],
  });
  if (status.kind === "ready") {
    const { tensorflow, variant } = status.stamp;
    return {
      check: "engine",
      state: "ok",
      found: `TensorFlow ${tensorflow}, ${variant}, in ${directory}`,
      remedy: "",
    };
  }
  return {
    check: "engine",
    state: "missing",
    found: `${directory}: ${status.reasons.join("; ")}`,
    remedy:
      status.kind === "missing"
        ? "npm run engine"
        : "npm run engine -- --force",
  };
}

function checkMemory({ host }: Environment): Finding {
  const ok = host.memoryBytes >= COMFORTABLE_MEMORY;
  return {
    check: "machine",
    state: ok ? "ok" : "warning",
    found: `${host.cpus} cores, ${formatBytes(host.memoryBytes)} of memory`,
    remedy: ok ? "" : "tasks declare their memory: fewer will run side by side",
  };
}

/** Writes, reads and removes a small object: what a run will need of the store. */
async function checkStore(
  environment: Environment,
  option: string | undefined,
): Promise<Finding> {
  const url = storeUrlOf(option, environment);
  try {
    const store = openStore(url, {
      currentFolder: environment.currentDirectory,
    });
    const path = `doctor/${environment.host.name}-${environment.host.pid}`;
    await store.put(path, new TextEncoder().encode("hueline doctor\n"));
    const first = await store.putIfAbsent(path, new Uint8Array(1));
    await store.remove(path);
    if (first !== "exists") {
      return {
        check: "store",
        state: "missing",
        found: `${url}: conditional writes are ignored`,
        remedy: "another store",
      };
    }
    return { check: "store", state: "ok", found: url, remedy: "" };
  } catch (thrown) {
    const error = toError(thrown);
    const remedy = error instanceof UserError ? (error.hint ?? "") : "";
    return {
      check: "store",
      state: "missing",
      found: `${url}: ${error.message}`,
      remedy,
    };
  }
}
