/** Writes what `controlOf` reads: the annotation `retry` with one more wish. */

type Wish = {
  /** `*`: all. */
  readonly task: string;
  readonly atMs: number;
};

/**
 * The annotation's new value; wishes that the new one includes are left out, so that it stays short.
 * @param given what the Run has, which people may have written: what is no wish stays, for them to see.
 */
export function addRetry(given: string | undefined, wish: Wish): string {
  const others = (given ?? "")
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "" && !isIncluded(text, wish));
  // To the millisecond: a failure of the same second is older.
  return [...others, `${wish.task}@${new Date(wish.atMs).toISOString()}`].join(
    ",",
  );
}

function isIncluded(text: string, wish: Wish): boolean {
  const [task = "", time = ""] = text.split("@");
  const isSame = wish.task === "*" || wish.task === task;
  return isSame && Date.parse(time) <= wish.atMs;
}
