/** Reads over TLS, from a server whose certificate is our own. */
import * as tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import { openOn, start, thrownBy } from "../../../support/s3-server/fixture.ts";
import { startTlsFront } from "../../../support/s3-server/tls-front.ts";

const known = tls.getCACertificates("default");
afterEach(() => tls.setDefaultCACertificates(known));

const bytes = Uint8Array.from({ length: 500_000 }, (_, i) => i * 31);

test("bytes come whole, straight into shared memory", async () => {
  const { server, store } = await start();
  await store.put("a", bytes);
  const front = await startTlsFront(server.endpoint);
  tls.setDefaultCACertificates([...known, front.certificate]);
  const overTls = openOn({ ...server, endpoint: front.endpoint });
  const target = new Uint8Array(new SharedArrayBuffer(400_000));
  for (const offset of [0, 100_000]) {
    expect(await overTls.readInto("a", offset, target)).toBe(true);
    const want = bytes.subarray(offset, offset + 400_000);
    expect(Buffer.compare(target, want)).toBe(0);
  }
  expect(Buffer.compare((await overTls.read("a")) ?? Buffer.of(), bytes)).toBe(
    0,
  );
});

test("a certificate that nobody vouches for is an error that says what to do", async () => {
  const { server } = await start();
  const front = await startTlsFront(server.endpoint);
  const overTls = openOn({ ...server, endpoint: front.endpoint });
  expect(await thrownBy(overTls.read("a"))).toMatchObject({
    code: "store.certificate",
    hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
});
