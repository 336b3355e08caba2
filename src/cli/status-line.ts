/** One line on stderr that is drawn over itself while something goes on; nothing where nobody looks. */
import type { Environment } from "./environment.ts";

export type StatusLine = {
  show(text: string): void;
  /** Removes the line. */
  end(): void;
};

export function createStatusLine({
  stderr,
}: Pick<Environment, "stderr">): StatusLine {
  if (!stderr.isTerminal)
    return { show: () => undefined, end: () => undefined };
  const clear = "\r\u001B[K";
  return {
    show: (text) => {
      stderr.write(clear + text.slice(0, Math.max(0, stderr.columns - 1)));
    },
    end: () => {
      stderr.write(clear);
    },
  };
}
