import { expect, test } from "vitest";
import {
  StoppedError,
  TransientError,
  UserError,
} from "../../src/base/errors.ts";
import {
  formatBytes,
  formatError,
  formatTable,
  painterFor,
} from "../../src/cli/output.ts";
import { createMemoryOutput } from "../support/cli.ts";

const plain = (_style: string, text: string): string => text;

test.each([
  [512, "512 B"],
  [3174, "3.1 KiB"],
  [2 ** 31, "2.0 GiB"],
])("%d bytes are read as %s", (bytes, want) => {
  expect(formatBytes(bytes)).toBe(want);
});

test("a table aligns columns by what is seen, not by colour codes", () => {
  const rows = [
    { name: "\u001B[32mok\u001B[39m", count: 5 },
    { name: "missing", count: 12 },
  ];
  const table = formatTable(rows, [
    { title: "name", value: ({ name }) => name },
    { title: "count", value: ({ count }) => String(count), align: "right" },
  ]);
  expect(table).toBe(
    "NAME      COUNT\n\u001B[32mok\u001B[39m            5\nmissing      12\n",
  );
});

test("a mistake of a person shows code, message and hint, and no stack", () => {
  const error = new UserError({
    code: "store.full",
    message: "the disk is full",
    hint: "free some space",
  });
  expect(formatError(error, plain)).toBe(
    "error [store.full]: the disk is full\n  try: free some space\n",
  );
});

test("a bug shows its stack, what may pass does not", () => {
  expect(formatError(new Error("oops"), plain)).toContain("output.test.ts");
  const passing = new TransientError({ code: "net", message: "no answer" });
  expect(formatError(passing, plain)).toContain("no answer");
  expect(formatError(passing, plain)).not.toContain("output.test.ts");
  const stopped = new StoppedError("nobody reads stdout");
  expect(formatError(stopped, plain)).toBe("stopped: nobody reads stdout\n");
});

test("where nobody answers, the address is the first thing to look at", () => {
  const code = "store.econnrefused";
  const refused = new TransientError({ code, message: "refused" });
  expect(formatError(refused, plain)).toContain("AWS_ENDPOINT_URL_S3");
});

test.each([
  { isTerminal: true, variables: {}, colour: true },
  { isTerminal: false, variables: {}, colour: false },
  { isTerminal: true, variables: { NO_COLOR: "1" }, colour: false },
  { isTerminal: true, variables: { TERM: "dumb" }, colour: false },
  { isTerminal: false, variables: { FORCE_COLOR: "1" }, colour: true },
])(
  "colour is $colour for terminal $isTerminal and $variables",
  ({ isTerminal, variables, colour }) => {
    const paint = painterFor(createMemoryOutput({ isTerminal }), variables);
    expect(paint("red", "x") !== "x").toBe(colour);
  },
);
