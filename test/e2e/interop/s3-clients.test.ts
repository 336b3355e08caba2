/**
 * Other people's S3 clients on a bucket that a run has written: each copies the run, and what it copied passes the one
 * line of docs/formats.md that checks a copy. pandas reads the figures.
 */
import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installS3Clients } from "../../../scripts/s3-clients/s3-clients.ts";
import type { S3Clients } from "../../../scripts/s3-clients/s3-clients.ts";
import { toError } from "../../../src/base/errors.ts";
import { hueline } from "../../support/hueline.ts";
import {
  canHaveRealBucket,
  openRealBucket,
  userCacheRoot,
} from "../../support/real-bucket.ts";
import type { RealBucket } from "../../support/real-bucket.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const pipeline = path.join(import.meta.dirname, "../small.yaml");
const formats = path.resolve(import.meta.dirname, "../../../docs/formats.md");

/** Without a network they cannot be had. In CI their absence is a failure. */
const clients = await installS3Clients({ cacheRoot: userCacheRoot() }).catch(
  (thrown: unknown) => {
    if (process.env["CI"]) throw thrown;
    return toError(thrown).message;
  },
);
const excuse = typeof clients === "string" ? ` (skipped: ${clients})` : "";

/** What each client is told: `from` is `s3://bucket/prefix`, `to` a folder. */
const copies: readonly {
  readonly name: string;
  command(
    clients: S3Clients,
    from: string,
    to: string,
  ): readonly [string, ...string[]];
}[] = [
  {
    name: "aws",
    command: ({ aws }, from, to) => [
      aws,
      "s3",
      "cp",
      "--recursive",
      "--only-show-errors",
      from,
      to,
    ],
  },
  {
    name: "s5cmd",
    command: ({ s5cmd }, from, to) => [
      s5cmd,
      "--log",
      "error",
      "cp",
      `${from}/*`,
      `${to}/`,
    ],
  },
  {
    name: "rclone",
    command: ({ rclone }, from, to) => [
      rclone,
      "--config=",
      "copy",
      "--s3-provider=Other",
      "--s3-env-auth",
      from.replace("s3://", ":s3:"),
      to,
    ],
  },
  {
    name: "boto3",
    command: ({ python }, from, to) => [
      python,
      path.join(import.meta.dirname, "copy_prefix.py"),
      from,
      to,
    ],
  },
];

describe.runIf(typeof clients !== "string" && canHaveRealBucket())(
  `clients that are not ours${excuse}`,
  { timeout: 120_000 },
  () => {
    let folder = "";
    let remove: () => Promise<void> = async () => undefined;
    let bucket: RealBucket;
    let from = "";

    beforeAll(async () => {
      ({ folder, remove } = await openTemporaryFolder());
      bucket = await openRealBucket(folder);
      from = `${bucket.url}/studies/small`;
      const { code, stderr } = await hueline(
        ["run", pipeline, "--store", from],
        { folder, variables: bucket.variables() },
      );
      expect({ code, stderr }).toMatchObject({ code: 0 });
    }, 900_000);
    afterAll(async () => {
      await bucket?.close();
      await remove();
    });

    const execute = (command: string, args: readonly string[], cwd = folder) =>
      promisify(execFile)(command, args, {
        cwd,
        env: {
          PATH: process.env["PATH"],
          HOME: folder,
          ...bucket.variables(),
          RCLONE_S3_ENDPOINT: bucket.endpoint,
          S3_ENDPOINT_URL: bucket.endpoint,
        },
        maxBuffer: 2 ** 26,
      });

    test.each(copies)(
      "$name copies a run, and every file of it passes sha256sum -c",
      async ({ name, command }) => {
        if (typeof clients === "string") return;
        const to = path.join(folder, name);
        mkdirSync(to);
        const [program, ...args] = command(clients, from, to);
        await execute(program, args);
        const check = (): Promise<unknown> =>
          execute("bash", ["-o", "pipefail", "-c", verifyLine()], to);
        await check();
        // All of it, and the line does find what is wrong.
        const tensors = await execute("find", [
          `${to}/cas`,
          "-name",
          "*.safetensors",
        ]);
        const files = tensors.stdout.trim().split("\n");
        expect(files.length).toBeGreaterThanOrEqual(5);
        appendFileSync(files[0] ?? "", "x");
        await expect(check()).rejects.toThrow(
          /1 computed checksum did NOT match/,
        );
      },
    );

    test("pandas reads learning curves and the report's figures", async () => {
      if (typeof clients === "string") return;
      const pulled = await hueline(
        ["pull", "small", "pulled", "--store", from],
        { folder, variables: bucket.variables() },
      );
      expect(pulled).toMatchObject({ code: 0 });
      const { stdout } = await execute(clients.python, [
        path.join(import.meta.dirname, "read_figures.py"),
        path.join(folder, "pulled"),
      ]);
      const read = JSON.parse(stdout) as {
        readonly steps: number;
        readonly accuracies: readonly number[];
      };
      const report = JSON.parse(
        readFileSync(path.join(folder, "pulled/report/report.json"), "utf8"),
      ) as {
        readonly measurements: readonly {
          readonly metrics: { readonly accuracy?: number };
        }[];
      };
      const wanted = report.measurements.flatMap(
        ({ metrics }) => metrics.accuracy ?? [],
      );
      expect(wanted).toHaveLength(4);
      const byValue = (a: number, b: number): number => a - b;
      expect(read.accuracies.toSorted(byValue)).toEqual(
        wanted.toSorted(byValue),
      );
      expect(read.steps).toBe(12);
    });
  },
);

/** The command that the documentation gives to whoever copied a run. */
function verifyLine(): string {
  const text = readFileSync(formats, "utf8");
  const line = /^jq -r .*sha256sum -c.*$/m.exec(text)?.[0];
  if (line === undefined) throw new Error(`${formats} lacks the line`);
  return line;
}
