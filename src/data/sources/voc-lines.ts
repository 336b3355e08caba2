/** The lines of a list of a VOC layout, without blanks around them; empty ones do not count. */
export function readLines(bytes: Uint8Array): string[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
