/**
 * The image's bill of materials (SPDX 2.3): what npm says of the packages that run, with what npm does not know of added: the
 * wheels that the native engine is taken from, and packages that are there for their data. Debian's packages are the base
 * image's, which has a list of its own. Pure.
 */
import type { Wheel } from "../engine/wheels.ts";

export type SpdxPackage = {
  readonly name: string;
  readonly SPDXID: string;
  readonly versionInfo: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: boolean;
  readonly licenseDeclared?: string;
  readonly externalRefs: readonly {
    readonly referenceCategory: string;
    readonly referenceType: string;
    readonly referenceLocator: string;
  }[];
  readonly checksums: readonly {
    readonly algorithm: "SHA256" | "SHA512";
    readonly checksumValue: string;
  }[];
};

export type SpdxDocument = {
  readonly documentDescribes: readonly string[];
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relatedSpdxElement: string;
    readonly relationshipType: string;
  }[];
};

/** An entry of package-lock.json. */
export type LockedPackage = {
  readonly version: string;
  readonly license?: string;
  /** `sha512-<base64>`. */
  readonly integrity: string;
};

/** `document` with more packages, each a part of what it describes. */
export function addPackages(
  document: SpdxDocument,
  added: readonly SpdxPackage[],
): SpdxDocument {
  const root = document.documentDescribes[0] ?? "SPDXRef-DOCUMENT";
  return {
    ...document,
    packages: [...document.packages, ...added],
    relationships: [
      ...document.relationships,
      ...added.map(({ SPDXID }) => ({
        spdxElementId: SPDXID,
        relatedSpdxElement: root,
        relationshipType: "DEPENDENCY_OF",
      })),
    ],
  };
}

export function fromWheel({ name, version, sha256 }: Wheel): SpdxPackage {
  return {
    ...describe("pypi", name, version),
    checksums: [{ algorithm: "SHA256", checksumValue: sha256 }],
  };
}

export function fromLock(
  name: string,
  { version, license, integrity }: LockedPackage,
): SpdxPackage {
  const digest = Buffer.from(integrity.replace(/^sha512-/, ""), "base64");
  return {
    ...describe("npm", name, version),
    ...(license !== undefined && { licenseDeclared: license }),
    checksums: [{ algorithm: "SHA512", checksumValue: digest.toString("hex") }],
  };
}

function describe(registry: "npm" | "pypi", name: string, version: string) {
  return {
    name,
    SPDXID: `SPDXRef-Package-${registry}-${name}-${version}`,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: `pkg:${registry}/${name}@${version}`,
      },
    ],
  };
}
