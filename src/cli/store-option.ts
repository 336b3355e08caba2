/** Which store a command uses: `--store`, `HUELINE_STORE` (read by the option itself), or `.hueline/` here. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import type { Environment } from "./environment.ts";

export function storeUrlOf(
  option: string | undefined,
  { currentDirectory }: Pick<Environment, "currentDirectory">,
): string {
  // An empty variable is one that is not set.
  if (option === undefined || option === "")
    return pathToFileURL(path.join(currentDirectory, ".hueline")).href;
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(option);
  return isUrl
    ? option
    : pathToFileURL(path.resolve(currentDirectory, option)).href;
}

/** Opens the store of a command; nothing is touched until it is used. */
export function openStoreOption(
  option: string | undefined,
  environment: Pick<Environment, "currentDirectory" | "variables">,
): Store {
  return openStore(storeUrlOf(option, environment), {
    currentFolder: environment.currentDirectory,
    variables: environment.variables,
  });
}
