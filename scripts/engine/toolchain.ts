/**
 * The programs that a build needs, looked for before anything is downloaded: each missing one is one clear error that
 * says what to install.
 */
import { UserError } from "../../src/base/errors.ts";
import { runTool, type ToolOptions } from "./tool.ts";

export type Toolchain = {
  readonly python: string;
  readonly compiler: string;
  /** Absent with some compilers; then the libraries keep their symbols (680 instead of 510 MB). */
  readonly strip: string | null;
};

const PYTHONS = ["python3", "python"];
const COMPILERS = ["g++", "clang++", "c++"];

/** Finds Python with pip, a C++ compiler and strip, or throws `engine.tool-missing`. */
export async function findToolchain(options: ToolOptions): Promise<Toolchain> {
  const runs = async (command: string, ...args: string[]): Promise<boolean> =>
    (await runTool(command, args, options))?.status === 0;
  const firstOf = async (
    commands: readonly string[],
    ...args: string[]
  ): Promise<string | null> => {
    for (const command of commands)
      if (await runs(command, ...args)) return command;
    return null;
  };
  const python = await firstOf(
    PYTHONS,
    "-c",
    "import sys; assert sys.version_info >= (3, 8)",
  );
  if (python === null)
    throw missing(
      "Python 3.8 or newer (`python3`), which fetches and unpacks TensorFlow's library",
      "python3 python3-pip",
      "python3 python3-pip",
    );
  if (!(await runs(python, "-m", "pip", "--version")))
    throw missing(
      `pip (\`${python} -m pip\`), which fetches TensorFlow's library`,
      "python3-pip",
      "python3-pip",
    );
  const compiler = await firstOf(COMPILERS, "--version");
  if (compiler === null)
    throw missing(
      "a C++17 compiler (`g++` or `clang++`), which builds the two addons",
      "g++",
      "gcc-c++",
    );
  return { python, compiler, strip: await firstOf(["strip"], "--version") };
}

function missing(what: string, debian: string, redHat: string): UserError {
  return new UserError({
    code: "engine.tool-missing",
    message: `The native engine cannot be built: this machine has no ${what}.`,
    hint: `Debian, Ubuntu: apt-get install ${debian}    Fedora, RHEL: dnf install ${redHat}`,
  });
}
