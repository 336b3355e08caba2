/** What a command says of itself in the table (`command-table.ts`). */
import type { Option } from "commander";
import type { Environment } from "./environment.ts";

export type Action = (
  environment: Environment,
  args: readonly string[],
  options: never,
) => Promise<number>;

export type CommandDeclaration = {
  readonly usage: string;
  readonly summary: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly options: readonly Option[];
  readonly load: () => Promise<Action>;
};
