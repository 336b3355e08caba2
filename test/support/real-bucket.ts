/** A bucket on a real S3 server of its own, for tests and benches that run the product against one. */
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import {
  installVersitygw,
  startVersitygw,
} from "../../scripts/s3-server/versitygw.ts";
import type { RunningServer } from "../../scripts/s3-server/versitygw.ts";
import { cacheRootOf } from "../../src/engine/location.ts";
import { createS3Store } from "../../src/store/s3.ts";
import type { S3Store } from "../../src/store/s3.ts";

const bucket = "hueline-e2e";

export type RealBucket = {
  readonly endpoint: string;
  /** `s3://bucket`. */
  readonly url: string;
  /** AWS's configuration for programs, ours and others'; `endpoint`: a proxy's. */
  variables(endpoint?: string): Record<string, string>;
  openStore(prefix: string): S3Store;
  /** As a machine ends that loses power. */
  kill(): Promise<void>;
  /** On the port that it had. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

/** Go installs the server. In CI its absence is a failure. */
export function canHaveRealBucket(): boolean {
  const hasGo = spawnSync("go", ["version"]).status === 0;
  return hasGo || Boolean(process.env["CI"]);
}

export function userCacheRoot(): string {
  return cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
}

/**
 * Keeps its objects in `folder`.
 * @param host where it listens: the loopback interface, unless others than this machine's programs read it.
 */
export async function openRealBucket(
  folder: string,
  host?: string,
): Promise<RealBucket> {
  const program = await installVersitygw({ cacheRoot: userCacheRoot() });
  const directory = path.join(folder, "server");
  await mkdir(path.join(directory, bucket), { recursive: true });
  const place = { program, directory, ...(host !== undefined && { host }) };
  let server: RunningServer = await startVersitygw(place);
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const port = Number(new URL(endpoint).port);
  const stores: S3Store[] = [];
  return {
    endpoint,
    url: `s3://${bucket}`,
    variables: (through = endpoint) => ({
      AWS_ENDPOINT_URL_S3: through,
      AWS_ENDPOINT_URL: through,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    }),
    openStore(prefix) {
      const credentials = { accessKeyId, secretAccessKey };
      const connection = { endpoint, region: "us-east-1", credentials };
      const store = createS3Store({ bucket, prefix, connection });
      stores.push(store);
      return store;
    },
    kill: () => server.stop(),
    async restart() {
      server = await startVersitygw({ ...place, port });
    },
    async close() {
      for (const store of stores) await store.close();
      await server.stop();
    },
  };
}
