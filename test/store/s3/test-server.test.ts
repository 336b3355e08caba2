/** That the test server is a server: what it holds against requests that no SDK made. */
import { createHash, createHmac } from "node:crypto";
import type { Hash, Hmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, onTestFinished, test } from "vitest";
import { startS3TestServer } from "../../support/s3-server/server.ts";
import type {
  S3TestServer,
  S3TestServerOptions,
} from "../../support/s3-server/server.ts";

async function start(options?: S3TestServerOptions): Promise<S3TestServer> {
  const server = await startS3TestServer(options);
  onTestFinished(() => server.close());
  server.state.put("a folder/ä+b", {}, Buffer.from("0123456789"));
  return server;
}

/** A presigned URL, by AWS's signer. */
async function presign(
  server: S3TestServer,
  options: { readonly signingDate?: Date; readonly secret?: string } = {},
): Promise<string> {
  const signer = new SignatureV4({
    service: "s3",
    region: "us-east-1",
    credentials: {
      accessKeyId: server.accessKeyId,
      secretAccessKey: options.secret ?? server.secretAccessKey,
    },
    sha256: Sha256,
    uriEscapePath: false,
  });
  const { host, hostname, port } = new URL(server.endpoint);
  const path = `/${server.bucket}/a%20folder/%C3%A4%2Bb`;
  const { query } = await signer.presign(
    {
      method: "GET",
      protocol: "http:",
      hostname,
      port: Number(port),
      path,
      query: {},
      headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    },
    {
      expiresIn: 60,
      ...(options.signingDate ? { signingDate: options.signingDate } : {}),
    },
  );
  const search = new URLSearchParams(query as Record<string, string>);
  return `${server.endpoint}${path}?${search.toString().replaceAll("+", "%20")}`;
}

/** What the signer asks of a hash. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: Source) {
    this.#hash =
      secret === undefined
        ? createHash("sha256")
        : createHmac("sha256", toBytes(secret));
  }
  update(data: Source): void {
    this.#hash.update(toBytes(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

type Source = string | ArrayBuffer | ArrayBufferView;

function toBytes(data: Source): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

describe("a presigned URL", () => {
  test("is good for whoever has it, also in ranges of every form", async () => {
    const url = await presign(await start());
    const take = async (range?: string): Promise<string> =>
      (await fetch(url, range ? { headers: { range } } : {})).text();
    expect(await take()).toBe("0123456789");
    expect(await take("bytes=2-4")).toBe("234");
    expect(await take("bytes=7-")).toBe("789");
    expect(await take("bytes=-4")).toBe("6789");
  });

  test("is refused once it has expired, with another signature, and for another object", async () => {
    const server = await start();
    const url = await presign(server);
    const signingDate = new Date(Date.now() - 61_000);
    const refused = [
      await presign(server, { signingDate }),
      await presign(server, { secret: "another" }),
      url.replace("%2Bb", "%2Bc"),
      url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
      url.replace(/\?.*/, ""),
    ];
    for (const bad of refused) expect((await fetch(bad)).status).toBe(403);
  });
});

test("a header that the signature does not cover is refused", async () => {
  const url = await presign(await start());
  const answer = await fetch(url, { headers: { "x-amz-meta-added": "1" } });
  expect(answer.status).toBe(403);
});

test("bodies may come in chunks, and connections may end with each answer", async () => {
  const misbehaviour = { sendsChunks: true, closesConnections: true };
  const answer = await fetch(await presign(await start({ misbehaviour })));
  expect(answer.headers.get("content-length")).toBeNull();
  expect(await answer.text()).toBe("0123456789");
});
