/**
 * `npm run verify`: everything that must hold before a change lands, in the order in which it fails fastest.
 * CI runs exactly this. Runs every check even when an earlier one fails, then sums up; the last line is
 * "N passed, N failed, N skipped", counting checks and tests together.
 *
 * `--fast` leaves the tests out; `--cluster` adds the quick ones of those against a real cluster, which it starts (see
 * `test-cluster.ts`).
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { whyNoLab } from "./cluster/lab.ts";

type Check = { readonly name: string; readonly command: readonly string[] };

const checks: readonly Check[] = [
  {
    name: "format",
    command: ["prettier", "--check", "--log-level", "warn", "."],
  },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  {
    name: "layers",
    command: ["depcruise", "-c", ".dependency-cruiser.cjs", "src"],
  },
  { name: "dead code", command: ["knip", "--treat-config-hints-as-errors"] },
  {
    name: "generated schema",
    command: ["node", "scripts/generate-schema.ts", "--check"],
  },
  {
    name: "generated kernel",
    command: ["node", "scripts/generate-kernel.ts", "--check"],
  },
  {
    name: "generated CRDs",
    command: ["node", "scripts/generate-crds.ts", "--check"],
  },
  {
    name: "generated manifests",
    command: ["node", "scripts/generate-manifests.ts", "--check"],
  },
  { name: "build", command: ["node", "scripts/build.ts"] },
];

const bin = path.resolve("node_modules/.bin");
const environment = {
  ...process.env,
  PATH: `${bin}${path.delimiter}${process.env["PATH"] ?? ""}`,
};

/** Runs a command with the project's programs first in the path; resolves with its exit code. */
async function execute(command: readonly string[]): Promise<number> {
  const [program = "", ...rest] = command;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: "inherit", env: environment });
    child.once("error", reject);
    child.once("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}

async function runChecks(): Promise<{ passed: number; failed: string[] }> {
  const failed: string[] = [];
  for (const { name, command } of checks) {
    const before = performance.now();
    const code = await execute(command);
    console.log(
      `${code === 0 ? "ok  " : "FAIL"} ${name} (${((performance.now() - before) / 1000).toFixed(1)} s)`,
    );
    if (code !== 0) failed.push(name);
  }
  return { passed: checks.length - failed.length, failed };
}

/** What vitest's JSON reporter writes, as far as it is read here. */
type Summary = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
};

/** Files that failed although none of their tests did: they could not be loaded, or a hook threw. */
function countBrokenFiles(files: Summary["testResults"] = []): number {
  return files.filter(
    ({ status, assertionResults }) =>
      status === "failed" &&
      assertionResults.every((test) => test.status !== "failed"),
  ).length;
}

/** What the test runner counted; null if it died before it could say. */
async function readSummary(file: string): Promise<Summary | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Summary;
  } catch (thrown) {
    console.log(`the tests ended without a summary: ${String(thrown)}`);
    return null;
  }
}

type TestCounts = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
};

const nothing: TestCounts = { passed: 0, failed: 0, skipped: 0 };

/** Runs tests by a command that is told where to put the runner's summary; a command that dies has failed once. */
async function runTests(
  toCommand: (summaryFile: string) => readonly string[],
): Promise<TestCounts> {
  const folder = await mkdtemp(path.join(tmpdir(), "hueline-verify-"));
  try {
    const output = path.join(folder, "tests.json");
    const code = await execute(toCommand(output));
    const summary = await readSummary(output);
    const failed =
      (summary?.numFailedTests ?? 0) + countBrokenFiles(summary?.testResults);
    return {
      passed: summary?.numPassedTests ?? 0,
      failed: failed === 0 && (code !== 0 || summary === null) ? 1 : failed,
      skipped: summary?.numPendingTests ?? 0,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All tests but those of the cluster. */
async function testHere(): Promise<TestCounts> {
  const engine = await execute(["node", "scripts/engine.ts"]);
  if (engine !== 0) return { ...nothing, failed: 1 };
  return await runTests((output) => [
    "vitest",
    "run",
    "--project=!cluster*",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${output}`,
  ]);
}

/** In a real cluster, where one can be had. */
async function testInCluster(): Promise<TestCounts> {
  const why = await whyNoLab();
  if (why === null)
    return await runTests((output) => [
      "node",
      "scripts/test-cluster.ts",
      "--quick",
      "--summary",
      output,
    ]);
  console.log(`cluster tests skipped: ${why}`);
  return nothing;
}

const { passed, failed } = await runChecks();
const tests = process.argv.includes("--fast") ? nothing : await testHere();
const inCluster = process.argv.includes("--cluster")
  ? await testInCluster()
  : nothing;
const sum = (name: keyof TestCounts): number => tests[name] + inCluster[name];
if (failed.length > 0) console.log(`failed checks: ${failed.join(", ")}`);
console.log(
  `${passed + sum("passed")} passed, ${failed.length + sum("failed")} failed, ${sum("skipped")} skipped`,
);
process.exitCode = failed.length + sum("failed") === 0 ? 0 : 1;
