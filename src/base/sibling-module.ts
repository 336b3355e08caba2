/**
 * Where a module of ours lies that is run as a thread or a process of its own: beside the one that starts it, as `.ts` in
 * the sources and as `.js` in the package.
 */

/** The module `name` in the folder of the module at `url`, with the same extension. */
export function siblingModule(url: string, name: string): URL {
  const extension = /\.[^./]+$/.exec(new URL(url).pathname)?.[0] ?? "";
  return new URL(`${name}${extension}`, url);
}
