import fc from "fast-check";
import { expect, test } from "vitest";
import { inCodeUnitOrder } from "../../../src/store/s3/listing.ts";

async function* each(keys: readonly string[]) {
  for (const key of keys) yield { key };
}

async function ordered(keys: readonly string[]): Promise<string[]> {
  const byBytes = [...keys].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const found: string[] = [];
  for await (const { key } of inCodeUnitOrder(each(byBytes))) found.push(key);
  return found;
}

test("keys in the order of their UTF-8 bytes come out in the order of their code units", async () => {
  // Few letters, so that keys share stems; the last three are where the two orders differ.
  const letter = fc.constantFrom(
    "a",
    "b",
    "/",
    "\ue000",
    "\uffee",
    "\u{1f600}",
  );
  const key = fc.string({ unit: letter, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 40 }), async (keys) => {
      expect(await ordered(keys)).toEqual([...keys].sort());
    }),
    { numRuns: 2000, seed: 7 },
  );
});

test("keys of other letters are not held back", async () => {
  const seen: string[] = [];
  async function* source() {
    for (const key of ["a/1", "a/2", "b"]) {
      seen.push(key);
      yield { key };
    }
  }
  const found = inCodeUnitOrder(source());
  await found.next();
  expect(seen).toEqual(["a/1"]);
  await found.return(undefined);
});
