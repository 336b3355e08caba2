/**
 * The commit of an artifact: one JSON object, written last and only if absent (invariants A and B).
 * Who reads an artifact starts here, and trusts no file that it does not name.
 */
import { z } from "zod";

export const manifestSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  kind: z.string(),
  contract: z.int(),
  /** Claim epoch of the attempt that won; its files are under `cas/<key>/a<epoch>/`. */
  epoch: z.int(),
  files: z.array(
    z.object({
      path: z.string(),
      sizeBytes: z.int(),
      /** CRC-32 (zlib) of the bytes, 8 hexadecimal digits. */
      crc32: z.string(),
      sha256: z.string(),
    }),
  ),
  params: z.record(z.string(), z.json()),
  seed: z.int().nullable(),
  /** Input name → keys. */
  inputs: z.record(z.string(), z.array(z.string())),
  metrics: z.record(z.string(), z.number()),
  producer: z.object({
    hueline: z.string(),
    node: z.string(),
    tensorflow: z.string().nullable(),
    host: z.string(),
    run: z.string(),
    task: z.string(),
  }),
  timing: z.object({
    startedAtMs: z.number(),
    finishedAtMs: z.number(),
    /** Of the attempt that committed. */
    wallMs: z.number(),
    cpuMs: z.number(),
    peakMemoryBytes: z.number(),
  }),
});

export type Manifest = z.output<typeof manifestSchema>;
