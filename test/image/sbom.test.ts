import { expect, test } from "vitest";
import { wheelsOf } from "../../scripts/engine/wheels.ts";
import {
  addPackages,
  fromLock,
  fromWheel,
  type SpdxDocument,
} from "../../scripts/image/sbom.ts";

const document: SpdxDocument = {
  documentDescribes: ["SPDXRef-Package-hueline-1.0.0"],
  packages: [],
  relationships: [],
};

test("the bill of materials names every wheel of the engine with the checksum that was demanded of it", () => {
  const wheels = wheelsOf("linux-x64", "cuda") ?? [];
  const { packages, relationships } = addPackages(
    document,
    wheels.map(fromWheel),
  );
  expect(packages.map(({ name }) => name)).toEqual(
    wheels.map(({ name }) => name),
  );
  expect(packages[0]).toMatchObject({
    SPDXID: "SPDXRef-Package-pypi-tensorflow-2.18.1",
    externalRefs: [{ referenceLocator: "pkg:pypi/tensorflow@2.18.1" }],
    checksums: [{ algorithm: "SHA256", checksumValue: wheels[0]?.sha256 }],
  });
  expect(relationships[0]).toEqual({
    spdxElementId: "SPDXRef-Package-pypi-tensorflow-2.18.1",
    relatedSpdxElement: "SPDXRef-Package-hueline-1.0.0",
    relationshipType: "DEPENDENCY_OF",
  });
});

test("a package of npm has the checksum of its archive in hexadecimal, as SPDX wants it", () => {
  const found = fromLock("photographs", {
    version: "1.1.1",
    license: "ISC",
    integrity: "sha512-AAECAw==",
  });
  expect(found).toMatchObject({
    licenseDeclared: "ISC",
    externalRefs: [{ referenceLocator: "pkg:npm/photographs@1.1.1" }],
    checksums: [{ algorithm: "SHA512", checksumValue: "00010203" }],
  });
});
