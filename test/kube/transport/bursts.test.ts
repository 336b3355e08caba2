/** Bytes of an answer in bursts: all of them, in their order, whatever comes in between. */
import { PassThrough, Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { readBursts } from "../../../src/kube/transport/bursts.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const asTheyCome = {
  toThrow: (thrown: unknown): unknown => thrown,
  clock: systemClock,
};

test("what came since the last burst comes as one, in its order", async () => {
  const body = new PassThrough();
  const bursts = readBursts(body, asTheyCome);
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
  const bursts = readBursts(body, asTheyCome);
  let read = textOf(await bursts.next());
  for (let i = 0; i < 1000; i++) await turn();
  expect(sent).toBeLessThan(600);
  for await (const burst of bursts) read += Buffer.concat(burst).toString();
  expect(read).toBe(Buffer.concat(chunks).toString());
});

test("where many come it rests: nothing is read, and then all that has come is one burst", async () => {
  const body = new PassThrough({ highWaterMark: 1 });
  const clock = createManualClock();
  const bursts = readBursts(body, { ...asTheyCome, clock });
  const few = ["1", "2", "3"];
  for (const word of few) {
    const next = bursts.next();
    body.write(word);
    expect(textOf(await next)).toBe(word);
    clock.advance(10);
  }
  for (const word of "abcdefgh") body.write(word);
  expect(textOf(await bursts.next())).toBe("abcdefgh");

  const afterRest = bursts.next();
  await turn();
  const isTaken = ["i", "j", "k"].map((word) => body.write(word));
  await turn();
  expect(isTaken).toEqual([false, false, false]);
  expect(clock.sleeps()).toEqual([25]);
  clock.advance(25);
  expect(textOf(await afterRest)).toBe("ijk");

  // They were few again.
  const last = bursts.next();
  body.end("l");
  expect(textOf(await last)).toBe("l");
  expect((await bursts.next()).done).toBe(true);
});

test("a failure comes after what came before it, in the words of the port", async () => {
  const body = new PassThrough();
  body.write("all of it");
  const bursts = readBursts(body, {
    ...asTheyCome,
    toThrow: () => new Error("broken"),
  });
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
  for await (const burst of readBursts(body, asTheyCome)) {
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
  for await (const burst of readBursts(body, asTheyCome))
    text += Buffer.concat(burst).toString();
  return text;
}
