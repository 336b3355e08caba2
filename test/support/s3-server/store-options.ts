/** A store on a test server. */
import type { S3StoreOptions } from "../../../src/store/s3.ts";
import type { S3TestServer } from "./server.ts";

export function toS3Options(
  server: Pick<
    S3TestServer,
    "endpoint" | "bucket" | "accessKeyId" | "secretAccessKey"
  >,
): S3StoreOptions {
  const { endpoint, bucket, accessKeyId, secretAccessKey } = server;
  return {
    bucket,
    prefix: "studies/tiny",
    connection: {
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId, secretAccessKey },
    },
  };
}
