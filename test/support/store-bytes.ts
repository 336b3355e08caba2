/** What a run has made, wherever it was kept: for comparing two stores, byte by byte. */
import { createHash } from "node:crypto";
import { layout } from "../../src/store/layout.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import type { Store } from "../../src/store/store.ts";

/**
 * By key: kind, metrics, and for each file the SHA-256 of what can be read of it. Throws if a manifest says otherwise.
 */
export async function fingerprintStore(
  store: Store,
): Promise<Record<string, unknown>> {
  const prints: Record<string, unknown> = {};
  for (const key of await store.listFolders("cas/")) {
    const manifest = await readManifest(store, key);
    if (manifest === null) continue;
    const files: Record<string, string> = {};
    for (const { path, sha256 } of manifest.files) {
      const where = layout.attempt(key, manifest.epoch) + path;
      const bytes = await store.read(where);
      const found = createHash("sha256")
        .update(bytes ?? "")
        .digest("hex");
      if (found !== sha256)
        throw new Error(`${where} in ${store.url} is not what was committed`);
      files[path] = found;
    }
    const { kind, metrics } = manifest;
    prints[key] = { kind, metrics, files };
  }
  return prints;
}
