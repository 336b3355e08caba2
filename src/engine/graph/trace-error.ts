/**
 * Mistakes of the programmer who writes or calls a compiled function. They are neither UserErrors nor transient: nobody can fix
 * them but in code, so they keep their stack, and a TraceError names the line of model code that caused it.
 */

/** The traced code did something that a graph cannot hold. `at` is the line in the caller's code, where it is known. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  readonly at: string | null;

  constructor(message: string) {
    const at = callSite();
    super(at === null ? message : `${message}\n  at ${at}`);
    this.at = at;
  }
}

/** A compiled function, or a program's variables, were given values that do not fit what was traced. */
export class FeedError extends Error {
  override readonly name = "FeedError";
}

const ENGINE_ROOM = new URL("..", import.meta.url).href;
/** tfjs-core puts some twenty frames (tidy, scopes, gradients) between model code and a kernel. */
const STACK_DEPTH = 60;

/** The nearest frame of the stack that lies outside of this room, of node_modules and of Node itself. */
function callSite(): string | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_DEPTH;
  const stack = new Error("call site").stack ?? "";
  Error.stackTraceLimit = limit;
  for (const line of stack.split("\n").slice(1)) {
    const place = /\(?((?:file:\/\/|\/)[^()]+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined || place.includes("/node_modules/")) continue;
    const url = place.startsWith("/") ? `file://${place}` : place;
    if (!url.startsWith(ENGINE_ROOM)) return url.replace("file://", "");
  }
  return null;
}
