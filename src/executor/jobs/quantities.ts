/** Amounts as Kubernetes writes them (`resource.Quantity`), exact: nothing is rounded that a quota counts. */

/** Cores: `2`, `500m`. */
export function cpuQuantity(cores: number): string {
  const thousandths = Math.max(1, Math.ceil(cores * 1000 - 1e-6));
  return thousandths % 1000 === 0
    ? String(thousandths / 1000)
    : `${thousandths}m`;
}

const UNITS = [
  ["Gi", 2 ** 30],
  ["Mi", 2 ** 20],
  ["Ki", 2 ** 10],
] as const;

/** Bytes: `48Gi`, `1536Mi`, `1000`. */
export function bytesQuantity(bytes: number): string {
  for (const [suffix, size] of UNITS)
    if (bytes % size === 0) return `${bytes / size}${suffix}`;
  return String(Math.ceil(bytes));
}
