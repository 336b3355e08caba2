/** Events from their text, with of objects what is wanted. */
import { describe, expect, test } from "vitest";
import { createEventReader, toListed } from "../../../src/kube/client/strip.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
const ready = { type: "Ready", status: "True" };
const pod = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: {
    name: "a",
    annotations: { [lastApplied]: `{"spec":{}}`, note: "x" },
    managedFields: [
      {
        manager: "kubelet",
        fieldsV1: { "f:status": { 'k:{"type":"Ready"}': { ".": {} } } },
      },
    ],
    labels: { spec: "y" },
  },
  spec: { containers: [{ name: "worker", args: ["}", `"]`] }], nodeName: "n" },
  status: { phase: "Running", conditions: [ready], spec: { containers: [] } },
};
const { apiVersion, kind, status } = pod;
const metadata = {
  name: "a",
  annotations: { note: "x" },
  labels: { spec: "y" },
};
const wanted = { apiVersion, kind, metadata, spec: { nodeName: "n" }, status };
const onlyNode = (field: string): boolean => field === "nodeName";

describe("an event", () => {
  const event = { type: "MODIFIED", object: pod };

  test.each([
    ["as servers write it", JSON.stringify(event)],
    ["as people do", JSON.stringify(event, null, 1)],
  ])(
    "%s: has no word of who wrote what, and of spec what is wanted",
    (_, text) => {
      expect(createEventReader(onlyNode)(text)).toEqual({
        type: "MODIFIED",
        object: wanted,
      });
      expect(createEventReader(undefined)(text)).toEqual({
        type: "MODIFIED",
        object: { ...wanted, spec: pod.spec },
      });
    },
  );

  test.each([
    ["of a version", { kind: "Pod", metadata: { resourceVersion: "7" } }],
    ["of an error", { kind: "Status", metadata: {}, code: 410 }],
    ["of nothing", undefined],
  ])("%s is read as it is", (_, object) => {
    const text = JSON.stringify({ type: "BOOKMARK", object });
    expect(createEventReader(onlyNode)(text)).toEqual(JSON.parse(text));
  });

  test.each(["", "{", `{"type":"ADDED","object":{"metadata":{}`, "]"])(
    "%j is refused",
    (text) => {
      expect(() => createEventReader(onlyNode)(text)).toThrow(SyntaxError);
    },
  );
});

test("an item of a list has the same, and says what it is", () => {
  const item = structuredClone({ metadata: pod.metadata, spec: pod.spec });
  const listed = toListed(
    { apiVersion: "", kind: "", ...item, status },
    { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true },
    onlyNode,
  );
  expect({ ...listed, apiVersion, kind }).toEqual(wanted);
});
