/** Large bodies on their way to the socket. */
import { buffer } from "node:stream/consumers";
import { S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import {
  sendInSlices,
  sliceBytes,
  toSlices,
} from "../../../src/store/s3/slices.ts";

const bytesOf = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31 + 7) % 251));

describe("toSlices", () => {
  test.each([
    1,
    sliceBytes,
    sliceBytes + 1,
    3 * sliceBytes,
    3 * sliceBytes - 1,
  ])(
    "hands out %i bytes whole, none of its slices over the bound",
    async (length) => {
      const bytes = bytesOf(length);
      const slices: Buffer[] = [];
      for await (const slice of toSlices(bytes)) slices.push(slice as Buffer);
      expect(Buffer.concat(slices).equals(bytes)).toBe(true);
      expect(slices).toHaveLength(Math.ceil(length / sliceBytes));
    },
  );

  test("copies nothing", async () => {
    const bytes = bytesOf(2 * sliceBytes);
    for await (const slice of toSlices(bytes))
      expect((slice as Buffer).buffer).toBe(bytes.buffer);
  });
});

describe("sendInSlices", () => {
  /** What a part is sent as: the same request before and behind the change. */
  async function send(body: Buffer, isSliced: boolean) {
    let sent: unknown;
    const client = new S3Client({
      endpoint: "http://localhost:1",
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      requestHandler: {
        async handle(request: unknown) {
          sent = request;
          return { response: { statusCode: 200, headers: { etag: '"e"' } } };
        },
      },
    });
    if (isSliced) sendInSlices(client);
    const target = { Bucket: "b", Key: "k", UploadId: "u", PartNumber: 1 };
    await client.send(new UploadPartCommand({ ...target, Body: body }), {});
    return sent as { body: unknown; headers: Record<string, string> };
  }

  test("sends the same bytes under the same hash and length", async () => {
    const body = bytesOf(2 * sliceBytes + 5);
    const whole = await send(body, false);
    const sliced = await send(body, true);
    expect(whole.body).toBe(body);
    const stream = sliced.body as ReturnType<typeof toSlices>;
    expect((await buffer(stream)).equals(body)).toBe(true);
    for (const name of ["x-amz-content-sha256", "content-length"])
      expect(sliced.headers[name], name).toBe(whole.headers[name]);
    expect(sliced.headers["x-amz-content-sha256"]).toMatch(/^[\da-f]{64}$/);
  });

  test("leaves a body of one slice as it is", async () => {
    const body = bytesOf(sliceBytes);
    expect((await send(body, true)).body).toBe(body);
  });
});
