/** The wire format, byte by byte, against encodings worked out by hand from TensorFlow's .proto files. */
import { expect, test } from "vitest";
import {
  configProto,
  graphDef,
  runOptionsProto,
} from "../../../src/engine/graph/proto.ts";
import type { Attribute } from "../../../src/engine/graph/proto.ts";

/** Hexadecimal digits, written in groups. */
const joined = (...groups: string[]): string =>
  groups.join("").replaceAll(" ", "");
const hex = (bytes: Uint8Array | null): string =>
  Buffer.from(bytes ?? []).toString("hex");
/** GraphDef.versions { producer: 1882 } */
const VERSIONS = "220308da0e";

test("a graph is nodes and a version", () => {
  const nodes = [{ name: "a", op: "Op", inputs: ["b", "^c"], attributes: {} }];
  expect(hex(graphDef(nodes))).toBe(
    joined("0a0e 0a0161 12024f70 1a0162 1a025e63", VERSIONS),
  );
});

test.each<[string, Attribute, string]>([
  ["string", ["string", "SAME"], "120453414d45"],
  ["int", ["int", 300], "18ac02"],
  ["negative int", ["int", -1], "18ffffffffffffffffff01"],
  ["float", ["float", 1], "250000803f"],
  ["bool", ["bool", true], "2801"],
  ["type", ["type", 3], "3003"],
  ["shape", ["shape", [2, 3]], "3a08 12020802 12020803"],
  ["scalar shape", ["shape", []], "3a00"],
  ["unknown shape", ["shape", null], "3a021801"],
  ["ints", ["ints", [1, 300]], "0a05 1a0301ac02"],
  ["no ints", ["ints", []], "0a00"],
  ["floats", ["floats", [1]], "0a06 22040000803f"],
  ["bools", ["bools", [true, false]], "0a04 2a020100"],
  ["types", ["types", [1, 3]], "0a04 32020103"],
  ["shapes", ["shapes", [[2], null]], "0a0a 3a0412020802 3a021801"],
  [
    "tensor",
    ["tensor", { dtype: 4, shape: [2], bytes: Uint8Array.of(7, 8) }],
    "420c 0804 120412020802 22020708",
  ],
])("attribute of kind %s", (_, attribute, wantGroups) => {
  const want = joined(wantGroups);
  const node = { name: "", op: "", inputs: [], attributes: { k: attribute } };
  const length = (n: number): string => n.toString(16).padStart(2, "0");
  const value = want.length / 2;
  const entry = `0a016b12${length(value)}${want}`;
  const body = `0a0012002a${length(entry.length / 2)}${entry}`;
  const nodeBytes = `0a${length(body.length / 2)}${body}`;
  expect(hex(graphDef([node]))).toBe(nodeBytes + VERSIONS);
});

test("session options become a ConfigProto, with soft placement on and arithmetic rewriting off", () => {
  expect(hex(configProto({}))).toBe(joined("3801 5204 52023802"));
  expect(
    hex(
      configProto({
        intraOpThreads: 4,
        interOpThreads: 2,
        gpuGrowth: true,
        xlaLevel: 2,
      }),
    ),
  ).toBe(joined("1004 2802 32022001 3801 5208 1a022802 52023802"));
});

test("run options are left out when there is nothing to say", () => {
  expect(runOptionsProto({})).toBeNull();
  expect(hex(runOptionsProto({ timeoutMs: 1.5 }))).toBe("1002");
  expect(hex(runOptionsProto({ onMetadata: () => undefined }))).toBe("0803");
});
