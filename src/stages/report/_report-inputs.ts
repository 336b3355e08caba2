/**
 * Reads what a report is made of: final figures from manifests, learning curves and pictures from files, and the
 * artifacts behind them. A file that an artifact never had is an answer (null); one that is damaged is an error.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import type { LoggedMetric, TrainingLog } from "../../report/curves.ts";
import { labelOfLocated } from "../../report/verdicts/select.ts";
import type { Names } from "../../report/verdicts/select.ts";
import type { PictureSet } from "../../report/value.ts";
import { readArtifactFile } from "../../store/artifacts/artifact.ts";
import { layout } from "../../store/layout.ts";
import type { Store } from "../../store/store.ts";
import type { InputArtifact } from "../stage.ts";

const METRICS_FILE = "metrics.jsonl";
const PICTURES_FILE = "pictures.json";

const metricRow = z.object({
  step: z.number(),
  name: z.string(),
  value: z.number(),
});
const pictureList = z.array(
  z.object({
    name: z.string(),
    gray: z.string(),
    predicted: z.string(),
    true: z.string(),
  }),
);

/** A file of a committed artifact, verified; null: the artifact never had it. */
async function readIfNamed(
  store: Store,
  { manifest }: InputArtifact,
  path: string,
): Promise<Uint8Array | null> {
  if (!manifest.files.some((file) => file.path === path)) return null;
  return readArtifactFile(store, manifest, path);
}

/** The learning curves of one training artifact; null: it logged none. */
export async function readTrainingLog(
  store: Store,
  artifact: InputArtifact,
): Promise<TrainingLog | null> {
  const bytes = await readIfNamed(store, artifact, METRICS_FILE);
  if (!bytes) return null;
  const rows = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line): LoggedMetric =>
      parseWith(metricRow, line, artifact, METRICS_FILE),
    );
  return { stage: artifact.stage, cell: artifact.cell, rows };
}

/** The pictures that one evaluation kept; null: it kept none. */
export async function readPictures(
  store: Store,
  artifact: InputArtifact,
  names: Names,
): Promise<PictureSet | null> {
  const bytes = await readIfNamed(store, artifact, PICTURES_FILE);
  if (!bytes) return null;
  const list = parseWith(
    pictureList,
    new TextDecoder().decode(bytes),
    artifact,
    PICTURES_FILE,
  );
  const items: PictureSet["items"] = [];
  for (const picture of list) {
    const read = (path: string) =>
      readArtifactFile(store, artifact.manifest, path);
    const truth = await read(picture.true);
    items.push({
      name: picture.name,
      ...pngSize(truth, artifact, picture.true),
      gray: toDataUri(await read(picture.gray)),
      predicted: toDataUri(await read(picture.predicted)),
      truth: toDataUri(truth),
    });
  }
  return { title: labelOfLocated(names, artifact), items };
}

function toDataUri(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

/** Width and height from a PNG's header (ISO/IEC 15948, section 11.2.2). */
function pngSize(
  png: Uint8Array,
  artifact: InputArtifact,
  path: string,
): { width: number; height: number } {
  const view = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (view.length < 24 || view.toString("latin1", 12, 16) !== "IHDR")
    return malformed(artifact, path, "it has no PNG header");
  return { width: view.readUInt32BE(16), height: view.readUInt32BE(20) };
}

function parseWith<T>(
  schema: z.ZodType<T>,
  text: string,
  artifact: InputArtifact,
  path: string,
): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    return malformed(artifact, path, "it does not fit its format", cause);
  }
}

function malformed(
  { stage, key }: InputArtifact,
  path: string,
  found: string,
  cause?: unknown,
): never {
  throw new UserError({
    code: "report.malformed-input",
    message: `${path} of stage '${stage}' (${key.slice(0, 12)}) can not be read: ${found}`,
    hint: `remove ${layout.manifest(key)} from the store and run again: the task computes it anew`,
    cause,
  });
}
