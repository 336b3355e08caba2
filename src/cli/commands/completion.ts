/**
 * `hueline completion`: scripts for bash, zsh and fish, generated from the same table as the help, so that they
 * cannot disagree with it. Files are completed where a command takes one.
 */
import type { Option } from "commander";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";

export type CompletionEntry = {
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly Option[];
};

type Described = {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
};

export async function completion(
  environment: Environment,
  args: readonly string[],
  entries: readonly CompletionEntry[],
): Promise<ExitCode> {
  const described = entries.map(({ usage, summary, options }) => ({
    name: usage.split(" ")[0] ?? usage,
    summary,
    flags: options.flatMap((option) =>
      [option.long, option.short].filter(
        (flag) => flag !== undefined && flag !== null,
      ),
    ),
  }));
  const shell = args[0] ?? "";
  const generate = Object.hasOwn(generators, shell)
    ? generators[shell]
    : undefined;
  if (generate === undefined) {
    throw new UserError({
      code: "cli.unknown-shell",
      message: `expected bash, zsh or fish, found '${shell}'`,
      hint: "hueline completion bash > ~/.local/share/bash-completion/completions/hueline",
      exitCode: ExitCode.usage,
    });
  }
  environment.stdout.write(generate(described));
  return ExitCode.done;
}

const generators: Readonly<
  Record<string, (commands: readonly Described[]) => string>
> = {
  bash: (commands) => `# hueline completion for bash
_hueline() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word")); return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map(({ name, flags }) => `    ${name}) [[ $word == -* ]] && COMPREPLY=($(compgen -W "${flags.join(" ")}" -- "$word")) ;;`).join("\n")}
  esac
}
complete -o default -F _hueline hueline
`,
  zsh: (commands) => `#compdef hueline
_hueline() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(({ name, summary }) => `      '${name}:${summary.replaceAll("'", "").replaceAll(":", " -")}'`).join("\n")}
    )
    _describe command commands; return
  fi
  case "\${words[2]}" in
${commands.map(({ name, flags }) => `    ${name}) _alternative 'flags:flag:(${flags.join(" ")})' 'files:file:_files' ;;`).join("\n")}
  esac
}
compdef _hueline hueline
`,
  fish: (commands) =>
    commands
      .flatMap(({ name, summary, flags }) => [
        `complete -c hueline -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", "")}'`,
        ...flags.map((flag) =>
          flag.startsWith("--")
            ? `complete -c hueline -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`
            : `complete -c hueline -n '__fish_seen_subcommand_from ${name}' -s ${flag.slice(1)}`,
        ),
      ])
      .join("\n") + "\n",
};
