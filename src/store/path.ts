/**
 * The one place that decides which object paths exist. Every adapter asks here before it touches anything, so a
 * path that came out of a file (a manifest, an archive, a URL) cannot leave the store.
 *
 * A path is relative, `/`-separated and well-formed Unicode without control characters. Segments are neither empty
 * nor start with a dot: that excludes `.` and `..`, and keeps names such as `.records` for the adapters.
 * Limits are the tighter of S3's (1,024 bytes a key) and of file systems' (255 bytes a name).
 */
import { UserError } from "../base/errors.ts";

const maxPathBytes = 1024;
/** 255 less what adapters put around a name. */
const maxSegmentBytes = 200;

/** Returns the path, or throws `store.path` (UserError) with the rule that it breaks. */
export function checkObjectPath(path: string): string {
  const problem = findPathProblem(path);
  if (problem !== null) throw refuse(path, problem);
  return path;
}

/** As `checkObjectPath`, for a prefix: empty (the whole store), or a path that ends in `/`. */
export function checkPrefix(prefix: string): string {
  if (prefix === "") return prefix;
  const problem = prefix.endsWith("/")
    ? findPathProblem(prefix.slice(0, -1))
    : "a prefix ends in '/'";
  if (problem !== null) throw refuse(prefix, problem);
  return prefix;
}

export function isObjectPath(path: string): boolean {
  return findPathProblem(path) === null;
}

function findPathProblem(path: string): string | null {
  if (path === "") return "it is empty";
  if (!path.isWellFormed()) return "it is not well-formed Unicode";
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path))
    return "it has a control character or a backslash";
  if (Buffer.byteLength(path) > maxPathBytes)
    return `it is longer than ${maxPathBytes} bytes`;
  for (const segment of path.split("/")) {
    if (segment === "") return "it has an empty segment";
    if (segment.startsWith("."))
      return `its segment '${segment}' starts with a dot`;
    if (Buffer.byteLength(segment) > maxSegmentBytes)
      return `a segment is longer than ${maxSegmentBytes} bytes`;
  }
  return null;
}

function refuse(path: string, problem: string): UserError {
  const shown = path.length > 80 ? `${path.slice(0, 80)}…` : path;
  return new UserError({
    code: "store.path",
    message: `${JSON.stringify(shown)} cannot name an object in a store: ${problem}`,
    hint: "use relative paths with '/' between names, e.g. runs/tiny/report.html",
  });
}
