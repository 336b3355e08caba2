import { expect, test } from "vitest";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { runCli } from "../support/cli.ts";

const commands = [
  "validate",
  "plan",
  "run",
  "status",
  "logs",
  "cancel",
  "retry",
  "pull",
  "report",
  "submit",
  "suspend",
  "resume",
  "schedule",
  "data",
  "colorize",
  "gc",
  "pin",
  "unpin",
  "doctor",
  "completion",
];

test("the help names every command but the worker, and ends with 0", async () => {
  const folder = await createTemporaryFolder();
  const { exitCode, stdout } = await runCli(["--help"], {
    currentDirectory: folder,
  });
  expect(exitCode).toBe(0);
  for (const command of commands) expect(stdout).toContain(`\n  ${command}`);
  expect(stdout).not.toContain("\n  worker");
});

test.each(commands)("%s --help teaches its options", async (command) => {
  const folder = await createTemporaryFolder();
  const { exitCode, stdout } = await runCli([command, "--help"], {
    currentDirectory: folder,
  });
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`Usage: hueline ${command}`);
});

test.each([
  { args: ["vlidate"], want: "Did you mean validate?" },
  { args: ["validate"], want: "missing required argument 'file'" },
  { args: ["plan", "x.yaml", "--wy"], want: "unknown option '--wy'" },
  { args: ["plan", "x.yaml", "-o", "xml"], want: "text, json" },
  { args: ["plan", "x.yaml", "-p", "novalue"], want: "name=value" },
  { args: ["completion", "tcsh"], want: "bash, zsh or fish" },
  { args: ["data", "show", "x"], want: "ls, verify, cat, order or push" },
  // Names that every object has are no actions and no shells.
  { args: ["data", "toString", "x"], want: "ls, verify, cat, order or push" },
  { args: ["completion", "constructor"], want: "bash, zsh or fish" },
  { args: ["data", "order", "x", "--limit", "abc"], want: "whole number" },
  { args: ["data", "order", "x", "--seed", "1e99"], want: "whole number" },
  { args: ["run", "x.yaml", "--cpus", "0"], want: "whole number from 1" },
  {
    args: ["submit", "x.yaml", "--queue", "q", "--parallelism", "3"],
    want: "cannot be used with",
  },
  {
    args: ["submit", "x.yaml", "--budget-gpu-hours", "none"],
    want: "number above 0",
  },
  { args: ["gc", "--keep-runs", "-1"], want: "whole number from 0" },
  { args: ["gc", "--older-than", "30"], want: "--older-than" },
  { args: ["gc", "--max-size", "much"], want: "--max-size" },
])(
  "$args is a usage error that says what was expected",
  async ({ args, want }) => {
    const folder = await createTemporaryFolder();
    await import("node:fs/promises").then(({ writeFile }) =>
      writeFile(`${folder}/x.yaml`, "name: x\n"),
    );
    const { exitCode, stdout, stderr } = await runCli(args, {
      currentDirectory: folder,
    });
    expect(exitCode).toBe(64);
    expect(stderr).toContain(want);
    expect(stdout).toBe("");
  },
);

test.each(["bash", "zsh", "fish"])(
  "the %s completion knows every command",
  async (shell) => {
    const folder = await createTemporaryFolder();
    const { exitCode, stdout } = await runCli(["completion", shell], {
      currentDirectory: folder,
    });
    expect(exitCode).toBe(0);
    for (const command of commands) expect(stdout).toContain(command);
    expect(stdout).not.toMatch(/(?<![-\w])worker(?![-\w])/);
  },
);

test("an empty HUELINE_STORE is one that is not set", async () => {
  const folder = await createTemporaryFolder();
  const { stderr } = await runCli(["status", "--store", ""], {
    currentDirectory: folder,
  });
  expect(stderr).toContain(`${folder}/.hueline`);
});

test("a store of an unknown scheme is refused with what there is", async () => {
  const folder = await createTemporaryFolder();
  const { exitCode, stderr } = await runCli(
    ["status", "--store", "ftp://host/x"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(64);
  expect(stderr).toContain("store.url");
  expect(stderr).toContain("file:///");
});
