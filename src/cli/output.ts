/**
 * How results look: results on stdout, everything else on stderr; `-o json` prints one JSON value.
 * Colour only on a terminal and never with NO_COLOR (no-color.org).
 */
import { styleText } from "node:util";
import { StoppedError, TransientError, UserError } from "../base/errors.ts";
import type { Environment, TextOutput } from "./environment.ts";

export type OutputFormat = "text" | "json";

export type Paint = (
  style: "bold" | "dim" | "red" | "green" | "yellow" | "cyan",
  text: string,
) => string;

/** The painter for an output: plain text unless a person looks and wants colour. */
export function painterFor(
  output: TextOutput,
  variables: Environment["variables"],
): Paint {
  const forced = (variables["FORCE_COLOR"] ?? "") !== "";
  const refused =
    (variables["NO_COLOR"] ?? "") !== "" || variables["TERM"] === "dumb";
  const colour = !refused && (forced || output.isTerminal);
  return colour
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text;
}

export function printJson(output: TextOutput, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

export type Column<Row> = {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "right";
};

/** A table as kubectl prints one: upper-case titles, columns by width, no lines. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, k) =>
    Math.max(
      column.title.length,
      ...cells.map((line) => visibleLength(line[k] ?? "")),
    ),
  );
  const line = (values: readonly string[]): string =>
    values
      .map((value, k) => {
        const padding = " ".repeat(
          Math.max(0, (widths[k] ?? 0) - visibleLength(value)),
        );
        return columns[k]?.align === "right"
          ? padding + value
          : value + padding;
      })
      .join("   ")
      .trimEnd();
  const titles = line(columns.map((column) => column.title.toUpperCase()));
  return `${[titles, ...cells.map(line)].join("\n")}\n`;
}

function visibleLength(text: string): number {
  // eslint-disable-next-line no-control-regex -- the escape sequences of colours
  return text.replaceAll(/\u001B\[[0-9;]*m/g, "").length;
}

/** An error as people read it: what, then what to try; no stack unless it is a bug. */
export function formatError(error: Error, paint: Paint): string {
  if (error instanceof TransientError)
    return `${paint("red", "error")} [${error.code}]: ${error.message}\n  ${paint("cyan", "try")}: ${hintFor(error)}\n`;
  if (error instanceof StoppedError) return `stopped: ${error.message}\n`;
  if (!(error instanceof UserError))
    return `${paint("red", "error")}: ${error.stack ?? error.message}\n`;
  const hint =
    error.hint === null ? "" : `  ${paint("cyan", "try")}: ${error.hint}\n`;
  return `${paint("red", "error")} [${error.code}]: ${error.message}\n${hint}`;
}

/** Nobody answers at an address: more often it is the wrong one than a server that comes back. */
function hintFor({ code }: TransientError): string {
  const isUnreachable = /^store\.(econnrefused|enotfound|ehostunreach)$/;
  return isUnreachable.test(code)
    ? "check AWS_ENDPOINT_URL_S3 or `endpoint_url` of the profile, and whether the server runs; then the same again"
    : "the same again in a while";
}

/** `512 B`, `3.1 KiB`, `2.0 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
