/**
 * A process that has nothing but AWS's configuration:
 *   node configured-store.ts s3://bucket/prefix   writes and reads an object; what went wrong is its output
 */
import { toError, UserError } from "../../../src/base/errors.ts";
import { openStore } from "../../../src/store/open-store.ts";

const [url = ""] = process.argv.slice(2);
try {
  const store = openStore(url, { currentFolder: "/" });
  await store.put("greeting", Buffer.from("hello"));
  const bytes = await store.read("greeting");
  process.stdout.write(Buffer.from(bytes ?? []).toString());
} catch (thrown) {
  if (!(thrown instanceof UserError)) throw thrown;
  process.stdout.write(`${thrown.code}: ${toError(thrown).message}`);
}
