/**
 * How far a transfer is: one line drawn over itself on a terminal, a plain line now and then elsewhere. `formatTransfer`
 * is pure; the display only decides when to say it.
 */
import { formatDuration } from "../report/format.ts";
import type { TransferProgress } from "../store/transfer/transfer.ts";
import type { Environment } from "./environment.ts";
import { formatBytes } from "./output.ts";
import { createStatusLine } from "./status-line.ts";

const DRAW_EVERY_MS = 100;
const PLAIN_EVERY_MS = 15_000;
/** The rate is that of so long. */
const WINDOW_MS = 5_000;

/** `12/40 files  310.2 MiB of 1.2 GiB  85.3 MiB/s  11.4 s left`. */
export function formatTransfer(
  { doneBytes, totalBytes, doneFiles, totalFiles }: TransferProgress,
  bytesPerSecond: number | null,
): string {
  const words = [
    `${doneFiles}/${totalFiles} files`,
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
  ];
  if (bytesPerSecond !== null && bytesPerSecond > 0) {
    const leftMs = (1000 * (totalBytes - doneBytes)) / bytesPerSecond;
    words.push(
      `${formatBytes(Math.round(bytesPerSecond))}/s`,
      `${formatDuration(leftMs)} left`,
    );
  }
  return words.join("  ");
}

export type TransferDisplay = {
  show(progress: TransferProgress): void;
  end(): void;
};

export function createTransferDisplay({
  clock,
  stderr,
}: Pick<Environment, "clock" | "stderr">): TransferDisplay {
  const line = createStatusLine({ stderr });
  const everyMs = stderr.isTerminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS;
  const seen: { readonly atMs: number; readonly bytes: number }[] = [];
  let lastMs = clock.monotonicMs();
  return {
    show(progress) {
      const nowMs = clock.monotonicMs();
      seen.push({ atMs: nowMs, bytes: progress.doneBytes });
      while ((seen[0]?.atMs ?? nowMs) < nowMs - WINDOW_MS) seen.shift();
      if (nowMs - lastMs < everyMs) return;
      lastMs = nowMs;
      const text = formatTransfer(progress, rateOf(seen));
      if (stderr.isTerminal) line.show(text);
      else stderr.write(`${text}\n`);
    },
    end: () => {
      line.end();
    },
  };
}

function rateOf(
  seen: readonly { readonly atMs: number; readonly bytes: number }[],
): number | null {
  const [first] = seen;
  const last = seen.at(-1);
  if (first === undefined || last === undefined) return null;
  const spanMs = last.atMs - first.atMs;
  return spanMs > 0 ? (1000 * (last.bytes - first.bytes)) / spanMs : null;
}
