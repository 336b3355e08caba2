/**
 * Progress of a long set-up, for people: what happens now, how long it has taken, how much has arrived.
 *
 * On a terminal the current line is rewritten; elsewhere (a log, a pipe) a plain line appears every few seconds, so
 * that nobody takes a slow download for a hang. Results do not pass through here.
 */
const PLAIN_INTERVAL_MS = 5_000;
const LIVE_INTERVAL_MS = 1_000;

export type ProgressOptions = {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly quiet: boolean;
};

export class Progress {
  readonly #options: ProgressOptions;
  readonly #startedMs = performance.now();
  #lastPlainMs = -Infinity;
  #hasLiveLine = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** A line that stays. */
  line(text: string): void {
    this.#print(text, "\n");
    this.#hasLiveLine = false;
    this.#lastPlainMs = performance.now();
  }

  /** A line that the next one replaces; call it as often as you like. */
  live(text: string): void {
    if (this.#options.isTerminal) {
      this.#print(text, "");
      this.#hasLiveLine = true;
    } else if (performance.now() - this.#lastPlainMs >= PLAIN_INTERVAL_MS) {
      this.line(text);
    }
  }

  /** Shows that `work` goes on, with the time so far, until it ends. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    if (this.#options.isTerminal) this.live(text);
    else this.line(text);
    const ticking = setInterval(() => this.live(text), LIVE_INTERVAL_MS);
    try {
      return await work;
    } finally {
      clearInterval(ticking);
      if (this.#options.isTerminal) this.line(text);
    }
  }

  #print(text: string, end: string): void {
    if (this.#options.quiet) return;
    const seconds = Math.floor((performance.now() - this.#startedMs) / 1000);
    const start = this.#hasLiveLine ? "\r\u001b[2K" : "";
    this.#options.write(
      `${start}[${String(seconds).padStart(4)} s] ${text}${end}`,
    );
  }
}

/** `230 MB`, in the units of a download: 1 MB is 1,000,000 bytes. */
export function toMegabytes(sizeBytes: number): string {
  return `${Math.round(sizeBytes / 1e6)} MB`;
}
