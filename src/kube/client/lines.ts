/** Lines of a stream of bytes, without their ends. What follows the last end is a line too. */

const newline = 0x0a;

/** Those that end in each burst of chunks: none, or thousands. */
export async function* readLines(
  bursts: AsyncIterable<readonly Uint8Array[]>,
): AsyncGenerator<readonly string[]> {
  /** Pieces of a line that has not ended: joined once, since a line may come in thousands. */
  let begun: Uint8Array[] = [];
  const take = (last: Uint8Array): string => {
    const line = Buffer.concat([...begun, last]).toString("utf8");
    begun = [];
    return line;
  };
  for await (const burst of bursts) {
    const lines: string[] = [];
    for (const chunk of burst) {
      let from = 0;
      for (;;) {
        const end = chunk.indexOf(newline, from);
        if (end < 0) break;
        lines.push(take(chunk.subarray(from, end)));
        from = end + 1;
      }
      if (from < chunk.length) begun.push(chunk.subarray(from));
    }
    yield lines;
  }
  if (begun.length > 0) yield [take(new Uint8Array())];
}
