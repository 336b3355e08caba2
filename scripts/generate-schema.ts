/**
 * Writes schema/pipeline.schema.json, which makes editors complete and check pipeline files.
 * With --check it writes nothing and fails if the file is not what it would write.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createEditorSchema } from "../src/spec/editor-schema.ts";

const file = path.join(
  import.meta.dirname,
  "..",
  "schema",
  "pipeline.schema.json",
);
const text = `${JSON.stringify(createEditorSchema(), null, 2)}\n`;

if (!process.argv.includes("--check")) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
} else if (readIfThere() !== text) {
  process.stderr.write(
    "schema/pipeline.schema.json is not what the declarations say: run `node scripts/generate-schema.ts`\n",
  );
  process.exitCode = 1;
}

function readIfThere(): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}
