/** The objects of a YAML file with manifests. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../src/kube/kube.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** @param name from the top of the repository: `k8s/samples/run-minimal.yaml`. */
export async function readManifests(
  name: string,
): Promise<readonly KubeObject[]> {
  const text = await readFile(path.join(root, name), "utf8");
  return parseAllDocuments(text).map(
    (document) => document.toJS() as KubeObject,
  );
}
