/** What the parts of the stores' contract share. */
import { UserError } from "../../src/base/errors.ts";
import type { Store } from "../../src/store/store.ts";

export type OpenedStore = {
  /** Empty. */
  readonly store: Store;
  /** Another client of the same store, as another process would have it. */
  again(): Store;
  close(): Promise<void>;
};

export const text = (value: string): Uint8Array =>
  new TextEncoder().encode(value);

export const toText = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? new TextDecoder().decode(bytes) : null;

export async function* chunksOf(
  ...values: readonly string[]
): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

export async function pathsOf(store: Store, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  return paths;
}

/** The code of the UserError that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  const thrown = await call.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  return thrown instanceof UserError ? thrown.code : String(thrown);
}

/** The etag of a swap that must succeed. */
export async function mustWrite(
  swap: ReturnType<Store["swap"]>,
): Promise<string> {
  const outcome = await swap;
  if (outcome.kind === "changed") throw new Error("the swap was not written");
  return outcome.etag;
}
