/**
 * JSON Schemas as kubeconform looks for them: those of Kubernetes from a Python package, whose references lead nowhere
 * outside of it, and those of our own kinds from their CRDs. Strict, as the API server is with `--validate=strict`: a field
 * that nobody has named is refused.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";

type Schema = {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
};

type Crd = {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
};

/** Copies the schemas of a Kubernetes version (`1.31.0`), with references from file to file. */
export async function writeKubernetesSchemas(options: {
  /** Of the package kubernetes-validate. */
  readonly schemas: string;
  readonly version: string;
  readonly folder: string;
}): Promise<void> {
  const { schemas, version, folder } = options;
  const from = path.join(schemas, `v${version}-local-strict`);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(from)) {
    const text = await readFile(path.join(from, name), "utf8");
    const local = text
      .replaceAll('"/api/_definitions.json', '"_definitions.json')
      // References are resolved against the file, not against this name.
      .replaceAll(/^ {2}"\$id":/gm, '  "$comment":');
    await writeFile(path.join(folder, name), local);
  }
}

/** Writes `run-hueline-v1alpha1.json` and the like, by the names that kubeconform asks for. */
export async function writeRunSchemas(options: {
  readonly crds: string;
  readonly folder: string;
}): Promise<void> {
  const { crds, folder } = options;
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(crds)) {
    const text = await readFile(path.join(crds, name), "utf8");
    const { spec } = parse(text) as Crd;
    const kind = spec.names.kind.toLowerCase();
    const [group] = spec.group.split(".", 1);
    for (const version of spec.versions) {
      const schema = close(version.schema.openAPIV3Schema);
      await writeFile(
        path.join(folder, `${kind}-${group}-${version.name}.json`),
        JSON.stringify(schema),
      );
    }
  }
}

/** The schema with every object that names its fields closed to others. */
function close(schema: Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  const isOpen =
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    properties === undefined;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, close(one)]),
      ),
    }),
    ...(items && { items: close(items) }),
    ...(typeof additionalProperties === "object"
      ? { additionalProperties: close(additionalProperties) }
      : !isOpen && { additionalProperties: false }),
  };
}
