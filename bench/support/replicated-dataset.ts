/**
 * A large dataset of real photographs in a bucket of a real server: one shard of some 130 MB, many times over, each under
 * a name of its own. Large enough that its order is in streams.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import {
  installVersitygw,
  startVersitygw,
} from "../../scripts/s3-server/versitygw.ts";
import { cacheRootOf } from "../../src/engine/location.ts";
import {
  createSampleTable,
  openSampleTable,
  type SampleTable,
} from "../../src/data/shards/sample-table.ts";
import { openStore } from "../../src/store/open-store.ts";
import { packFiles, readPack } from "../../test/support/packed-photographs.ts";
import { photographPack } from "../../test/support/photographs.ts";
import { startFaultProxy } from "../../test/support/s3-server/fault-proxy.ts";

export type ReplicatedDataset = {
  readonly storeUrl: string;
  readonly table: SampleTable;
  readonly shardPaths: readonly string[];
  readonly sizeBytes: number;
  /** Reads of shards that reached the server. */
  requests(): number;
  close(): Promise<void>;
};

const bucket = "bench";
const packs = ["voc2012-seg.tar", "voc2012-cls.tar"];

/** Sets the AWS variables of this process, so that every thread finds the server. */
export async function openReplicatedDataset(options: {
  readonly copies: number;
  /** Put between the loader and the server what counts requests; it costs time. */
  readonly isCounted: boolean;
}): Promise<ReplicatedDataset> {
  const folder = mkdtempSync(path.join(tmpdir(), "hueline-replicated-"));
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const directory = path.join(folder, "buckets");
  mkdirSync(path.join(directory, bucket), { recursive: true });
  const server = await startVersitygw({
    program: await installVersitygw({ cacheRoot }),
    directory,
  });
  const proxy = options.isCounted
    ? await startFaultProxy(server.endpoint)
    : null;
  let requests = 0;
  proxy?.setFaults(({ method, key }) => {
    if (method === "GET" && key.endsWith(".tar")) requests++;
    return null;
  });
  process.env["AWS_ENDPOINT_URL_S3"] = proxy?.endpoint ?? server.endpoint;
  process.env["AWS_ACCESS_KEY_ID"] = server.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = server.secretAccessKey;
  process.env["AWS_REGION"] = "us-east-1";
  const storeUrl = `s3://${bucket}`;
  const one = await packOne(folder);
  const shardPaths = Array.from(
    { length: options.copies },
    (_, i) => `copy-${i}.tar`,
  );
  const store = openStore(storeUrl, { currentFolder: "/" });
  for (const shardPath of shardPaths) await store.put(shardPath, one.tar);
  const table = repeatTable(one, options.copies);
  return {
    storeUrl,
    table,
    shardPaths,
    sizeBytes: one.tar.length * options.copies,
    requests: () => requests,
    async close() {
      await proxy?.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Shard = { readonly tar: Uint8Array; readonly records: Uint8Array };

async function packOne(folder: string): Promise<Shard> {
  const files: Record<string, Uint8Array> = {};
  for (const name of packs) {
    const pack = photographPack(name);
    if (pack === null) throw new Error(`the pack ${name} is not there`);
    const own = Object.entries(readPack(pack, Infinity));
    for (const [file, bytes] of own) files[`${file}-${name}.jpg`] = bytes;
  }
  const packed = await packFiles(folder, { files, shards: 1 });
  const opened = await openSampleTable(packed.store, packed.catalog);
  const tar = await packed.store.read(opened.shardPaths[0] ?? "");
  if (tar === null) throw new Error("the shard that was packed is not there");
  return { tar, records: new Uint8Array(opened.memory.records) };
}

function repeatTable({ tar, records }: Shard, copies: number): SampleTable {
  const all = new SharedArrayBuffer(records.length * copies);
  const samples = createSampleTable({
    shards: [],
    records: records.buffer as SharedArrayBuffer,
  }).size;
  const shards = Array.from({ length: copies }, (_, i) => {
    new Uint8Array(all).set(records, i * records.length);
    return { first: i * samples, samples, sizeBytes: tar.length };
  });
  return createSampleTable({ shards, records: all });
}
