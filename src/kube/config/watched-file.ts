/** A small file that others replace: a token, a certificate. Read again when it has not been looked at for a while. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import { toError, UserError } from "../../base/errors.ts";

export type WatchedFile = {
  /** The same object as long as the content is the same. */
  read(): Promise<Buffer>;
  /** The next `read` looks. */
  expire(): void;
};

/** A kubelet replaces a token at four fifths of its life (48 minutes and more), client-go looks once a minute. */
const trustMs = 30_000;

export function watchFile(file: string, clock: Clock): WatchedFile {
  let content: Buffer | null = null;
  let lookedAtMs = -Infinity;
  return {
    async read() {
      const nowMs = clock.monotonicMs();
      if (content && nowMs - lookedAtMs < trustMs) return content;
      const read = await readNow(file);
      lookedAtMs = nowMs;
      if (!content?.equals(read)) content = read;
      return content;
    },
    expire() {
      lookedAtMs = -Infinity;
    },
  };
}

async function readNow(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UserError({
      code: "kube.config",
      message: `cannot read ${file}, which the kubeconfig names: ${toError(cause).message}`,
      cause,
    });
  }
}
