/**
 * Names of Jobs: `<run>-<stage>-<8 hex>`, at most 51 characters, so that a pod's name (`-<index>-<5 characters>`, up to
 * `-99999-abcde`) is a DNS label too. The digits follow from the Run's uid, the tasks and the attempt alone: who creates
 * the same work twice finds that it "already exists".
 */
import { createHash } from "node:crypto";

const MAX_NAME = 51;
const MAX_RUN = 24;

export function jobName(of: {
  readonly run: string;
  readonly runUid: string;
  readonly stage: string;
  readonly tasks: readonly string[];
  readonly attempt: number;
}): string {
  const digits = createHash("sha256")
    .update(JSON.stringify([of.runUid, of.attempt, ...of.tasks]))
    .digest("hex")
    .slice(0, 8);
  const run = cut(of.run.replaceAll(".", "-"), MAX_RUN);
  const stage = cut(of.stage, MAX_NAME - run.length - digits.length - 2);
  return `${run}-${stage}-${digits}`;
}

/** Cuts a DNS name so that it still ends as one. */
export function cut(name: string, length: number): string {
  return name.slice(0, length).replace(/[-._]+$/, "");
}
