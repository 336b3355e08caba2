/**
 * Sessions of the native addon, for its own tests: graphs written by hand, the engine of this machine, everything closed
 * after each test.
 */
import { homedir } from "node:os";
import { afterEach } from "vitest";
import { graphDef, type NodeDef } from "../../src/engine/graph/proto.ts";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../../src/engine/location.ts";
import { loadEngine } from "../../src/engine/native.ts";
import type {
  NativeSession,
  SessionAddon,
  SessionFeed,
  SessionRequest,
} from "../../src/engine/session-addon.ts";

export const FLOAT = 1;

/** This machine's engine, for tests that care about nothing but its loading. */
export const engineOptions = {
  directory: findEngine({
    cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
    platform: toEnginePlatform(process.platform, process.arch) ?? "linux-x64",
    override: process.env["HUELINE_ENGINE"],
  }).directory,
  threads: 1,
  logLevel: 3,
} as const;

export type Sessions = {
  readonly addon: SessionAddon;
  /** A session that is closed when the test ends. */
  readonly open: (nodes: readonly NodeDef[]) => NativeSession;
};

/** Loads the addon; call it once at the top of a test file. */
export function useSessions(): Sessions {
  const { session: addon } = loadEngine(engineOptions);
  const opened: NativeSession[] = [];
  afterEach(() => {
    for (const session of opened.splice(0)) addon.closeSession(session);
  });
  return {
    addon,
    open: (nodes) => {
      const session = addon.newSession(graphDef(nodes), null, "");
      opened.push(session);
      return session;
    },
  };
}

export const placeholder = (
  name: string,
  shape: readonly number[] | null,
  dtype = FLOAT,
): NodeDef => ({
  name,
  op: "Placeholder",
  inputs: [],
  attributes: { dtype: ["type", dtype], shape: ["shape", shape] },
});
export const unary = (
  name: string,
  op: string,
  input: string,
  dtype = FLOAT,
): NodeDef => ({
  name,
  op,
  inputs: [input],
  attributes: { T: ["type", dtype] },
});
/** y = -x, x of shape [2]. */
export const negate = [placeholder("x", [2]), unary("y", "Neg", "x")];

/** A handle on the session's variable `variable`, of shape [size]. */
export const variable = (
  name: string,
  handle: string,
  size: number,
): NodeDef[] => [
  {
    name: handle,
    op: "VarHandleOp",
    inputs: [],
    attributes: {
      dtype: ["type", FLOAT],
      shape: ["shape", [size]],
      shared_name: ["string", name],
      container: ["string", ""],
    },
  },
];
/** The target "set" writes x, of shape [size], into the variable behind `handle`. */
export const assign = (handle: string, size = 2): NodeDef[] => [
  placeholder("x", [size]),
  {
    name: "set",
    op: "AssignVariableOp",
    inputs: [handle, "x"],
    attributes: { dtype: ["type", FLOAT] },
  },
];

export const feedX = (change: Partial<SessionFeed> = {}): SessionFeed => ({
  name: "x",
  dtype: FLOAT,
  shape: [2],
  data: Float32Array.of(1, 2.5),
  ...change,
});
export const request = (
  change: Partial<SessionRequest> = {},
): SessionRequest => ({
  feeds: [feedX()],
  fetches: ["y"],
  targets: [],
  ...change,
});
export const floats = (data: ArrayBuffer | undefined) => [
  ...new Float32Array(data ?? new ArrayBuffer(0)),
];

/** Hands the addon what its types forbid. */
export const wrong = (value: unknown) => value as never;
