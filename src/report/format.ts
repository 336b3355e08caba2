/**
 * Numbers as people read them: fixed digits, a true minus sign, units with a space where they need one.
 * Machine files (csv, json) do not come here; they print all digits.
 */
import type { Cell } from "../plan/plan.ts";

export type PrintStyle = { readonly unit: string; readonly digits: number };

/** `−0.8`; never `−0.0`. */
export function formatNumber(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const isZero = Number(text) === 0;
  return text.startsWith("-") ? `${isZero ? "" : "−"}${text.slice(1)}` : text;
}

/** `+8.0`, `−0.8`, `0.0`: for differences. */
export function formatSigned(value: number, digits: number): string {
  const text = formatNumber(value, digits);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${text}` : text;
}

/** A unit behind its number: ` points`, ` %`, or nothing. */
export function unitSuffix(unit: string): string {
  return unit === "" ? "" : ` ${unit}`;
}

/** `7.3 to 8.7` of an interval, signed for differences. */
export function formatRange(
  [low, high]: readonly [number, number],
  digits: number,
  signed = false,
): string {
  const format = signed ? formatSigned : formatNumber;
  return `${format(low, digits)} to ${format(high, digits)}`;
}

/** `weights pretrain, seed 5`. */
export function formatCell(cell: Cell): string {
  return Object.entries(cell)
    .map(([axis, value]) => `${axis} ${String(value)}`)
    .join(", ");
}

/** `1 claim`, `3 claims`. */
export function formatCount(count: number, one: string, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 07 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `412 MiB`, `1.4 GiB`. */
export function formatBytes(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  return gibibytes >= 1
    ? `${gibibytes.toFixed(1)} GiB`
    : `${Math.round(bytes / 2 ** 20)} MiB`;
}

/**
 * Text from outside, made harmless to the text around it: control characters and the overrides of writing direction
 * (Unicode TR 9), which could show a figure behind them backwards, become U+FFFD.
 */
export function toPlainText(text: string): string {
  return text.replace(
    /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/gu,
    "\uFFFD",
  );
}
