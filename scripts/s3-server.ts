/**
 * `node scripts/s3-server.ts`: a real S3 server on this machine, for trying out `--store s3://…` without a cloud.
 * Installs it on first use, prints the environment that points AWS tools at it, and runs until it is interrupted.
 */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { toError, toExitCode, UserError } from "../src/base/errors.ts";
import { cacheRootOf } from "../src/engine/location.ts";
import { installVersitygw, startVersitygw } from "./s3-server/versitygw.ts";

const HELP = `Usage: node scripts/s3-server.ts [--port PORT] [--data FOLDER] [--bucket NAME]

  --port PORT     default: a free one
  --data FOLDER   where objects are kept (default: .s3-server); its file system needs extended attributes
  --bucket NAME   made if it is not there (default: hueline)
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      data: { type: "string", default: ".s3-server" },
      bucket: { type: "string", default: "hueline" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const directory = path.resolve(values.data);
  // A bucket of this server is a folder.
  await mkdir(path.join(directory, values.bucket), { recursive: true });
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const program = await installVersitygw({ cacheRoot });
  const server = await startVersitygw({
    program,
    directory,
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
  });
  process.stdout.write(
    [
      `export AWS_ENDPOINT_URL_S3=${server.endpoint}`,
      `export AWS_ACCESS_KEY_ID=${server.accessKeyId}`,
      `export AWS_SECRET_ACCESS_KEY=${server.secretAccessKey}`,
      `export HUELINE_STORE=s3://${values.bucket}`,
      "",
    ].join("\n"),
  );
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await server.stop();
}

try {
  await main();
} catch (thrown) {
  const { message } = toError(thrown);
  const hint = thrown instanceof UserError ? thrown.hint : null;
  process.stderr.write(`${message}\n${hint === null ? "" : `try: ${hint}\n`}`);
  process.exitCode = toExitCode(thrown);
}
