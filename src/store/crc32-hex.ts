/** A CRC-32 (zlib) as every manifest has it: eight hexadecimal digits. */
export function crc32Hex(sum: number): string {
  return sum.toString(16).padStart(8, "0");
}
