/**
 * The logger that is passed around. `main.ts` makes it (pino in workers, lines for people in the CLI) and
 * narrows it with `child`. Core rooms never log: they return reasons and the shell logs them once.
 * Messages are constant sentences; values are fields.
 */

export type LogFields = Readonly<Record<string, unknown>>;

export type Logger = {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
};

const nothing = (): void => undefined;

/** Drops everything: for tests and for commands that print results only. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  child: () => silentLogger,
};
