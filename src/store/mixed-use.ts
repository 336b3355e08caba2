/** A path is a plain object or a record, never both (`store.ts`): using it both ways is a bug of the caller. */

export function createMixedUse(path: string): Error {
  return new Error(
    `'${path}' is used both as a plain object and as a record: a path is one or the other`,
  );
}
