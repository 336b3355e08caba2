/** Tables as comma-separated values, RFC 4180, lines ending in LF. */
export function toCsv(
  rows: readonly (readonly (string | number)[])[],
): Uint8Array {
  const lines = rows.map((row) => `${row.map(quote).join()}\n`);
  return new TextEncoder().encode(lines.join(""));
}

function quote(field: string | number): string {
  const text = String(field);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
