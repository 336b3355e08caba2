/** Our signatures beside those of the SDK's own signer. */
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeKey } from "../../../../src/store/s3/wire/escape.ts";
import { signGet } from "../../../../src/store/s3/wire/sign.ts";

type Data = string | ArrayBuffer | ArrayBufferView;

/** What the SDK's signer hashes with. */
class Sha256 {
  readonly #hash;
  constructor(secret?: Data) {
    this.#hash = secret
      ? createHmac("sha256", toBinary(secret))
      : createHash("sha256");
  }
  update(data: Data): void {
    this.#hash.update(toBinary(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    throw new Error("one digest a hash");
  }
}

function toBinary(data: Data): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

const word = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
const requests = fc.record({
  host: fc.constantFrom("127.0.0.1:9000", "bucket.s3.example.org"),
  path: fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((key) => !/^\.{1,2}$|(^|\/)\.{1,2}(\/|$)/.test(key))
    .map((key) => `/bucket/${escapeKey(key)}`),
  headers: fc.record(
    {
      range: fc.nat().map((from) => `bytes=${from}-${from + 9}`),
      "if-match": word.map((etag) => `"${etag}"`),
      "user-agent": fc.constant("hueline"),
      "x-amz-checksum-mode": fc.constant("ENABLED"),
    },
    { requiredKeys: [] },
  ),
  region: fc.constantFrom("us-east-1", "eu-north-1"),
  keys: fc.record({
    accessKeyId: word,
    secretAccessKey: word,
    sessionToken: fc.option(word, { nil: undefined }),
  }),
  date: fc.date({
    min: new Date("2020-01-01"),
    max: new Date("2100-01-01"),
    noInvalidDate: true,
  }),
});

test("a GET is signed as the SDK signs it, whatever the key, the headers and the time", async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const { host, path, headers, region, keys, date } = request;
      const signed = signGet(request);
      const theirs = new SignatureV4({
        service: "s3",
        region,
        credentials: {
          accessKeyId: keys.accessKeyId,
          secretAccessKey: keys.secretAccessKey,
          ...(keys.sessionToken === undefined
            ? {}
            : { sessionToken: keys.sessionToken }),
        },
        sha256: Sha256,
        uriEscapePath: false,
        applyChecksum: false,
      });
      const wanted = await theirs.sign(
        {
          method: "GET",
          protocol: "http:",
          hostname: host,
          path,
          query: {},
          headers: {
            host,
            ...headers,
            "x-amz-content-sha256": signed["x-amz-content-sha256"] ?? "",
          },
        },
        { signingDate: date },
      );
      expect(signed).toEqual(wanted.headers);
    }),
    { numRuns: 300 },
  );
});
