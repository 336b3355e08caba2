/** A folder for one test, removed after it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";

export async function createTemporaryFolder(): Promise<string> {
  const { folder, remove } = await openTemporaryFolder();
  onTestFinished(remove);
  return folder;
}

/** For hooks, which remove it themselves. */
export async function openTemporaryFolder(): Promise<{
  readonly folder: string;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), "hueline-test-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
