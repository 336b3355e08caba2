/** Bytes of an answer in bursts: all of them, in their order, whatever comes in between. */
import { PassThrough, Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { readBursts } from "../../../src/kube/transport/bursts.ts";

const asIs = (thrown: unknown): unknown => thrown;

test("what came since the last burst comes as one, in its order", async () => {
  const body = new PassThrough();
  const bursts = readBursts(body, asIs);
  const first = bursts.next();
  body.write("a");
  expect(textOf(await first)).toBe("a");
  for (const word of ["b", "c", "d"]) body.write(word);
  await turn();
  expect(textOf(await bursts.next())).toBe("bcd");
  body.end("e");
  expect(textOf(await bursts.next())).toBe("e");
  expect((await bursts.next()).done).toBe(true);
});

test("an answer of nothing has no bursts", async () => {
  expect(await readAll(Readable.from([]))).toBe("");
});

test("whoever reads slowly makes the server wait, and misses nothing", async () => {
  const chunks = Array.from({ length: 2000 }, (_, i) => Buffer.from(`${i} `));
  let sent = 0;
  const body = Readable.from(
    (function* () {
      for (const chunk of chunks) {
        sent++;
        yield chunk;
      }
    })(),
    { objectMode: false, highWaterMark: 64 },
  );
  const bursts = readBursts(body, asIs);
  let read = textOf(await bursts.next());
  for (let i = 0; i < 1000; i++) await turn();
  expect(sent).toBeLessThan(600);
  for await (const burst of bursts) read += Buffer.concat(burst).toString();
  expect(read).toBe(Buffer.concat(chunks).toString());
});

test("a failure comes after what came before it, in the words of the port", async () => {
  const body = new PassThrough();
  body.write("all of it");
  const bursts = readBursts(body, () => new Error("broken"));
  expect(textOf(await bursts.next())).toBe("all of it");
  body.destroy(new Error("ECONNRESET"));
  await expect(bursts.next()).rejects.toThrow("broken");
  await expect(
    readAll(Readable.from([]).destroy(new Error("x"))),
  ).rejects.toThrow("x");
});

test("who stops reading breaks the connection", async () => {
  const body = new PassThrough();
  body.write("a");
  for await (const burst of readBursts(body, asIs)) {
    expect(burst).toHaveLength(1);
    break;
  }
  expect(body.destroyed).toBe(true);
});

function textOf({ value }: IteratorResult<readonly Uint8Array[]>): string {
  return Buffer.concat(value as readonly Uint8Array[]).toString();
}

async function readAll(body: Readable): Promise<string> {
  let text = "";
  for await (const burst of readBursts(body, asIs))
    text += Buffer.concat(burst).toString();
  return text;
}
