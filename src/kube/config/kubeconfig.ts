/**
 * Kubeconfig files as kubectl reads them: several are one, in which the first to name a thing decides what it is, and
 * paths are relative to the file that they stand in.
 */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { parse } from "yaml";
import { systemCode, toError, UserError } from "../../base/errors.ts";

/** `clientcmd/api/v1` `Cluster`; files are absolute. */
export type Cluster = {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
  readonly "proxy-url"?: string;
};

export type ExecPlugin = {
  readonly apiVersion: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?:
    readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
};

/** `clientcmd/api/v1` `AuthInfo`; files are absolute. */
export type User = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly "as-uid"?: string;
  readonly "as-groups"?: readonly string[];
  readonly exec?: ExecPlugin;
  readonly "auth-provider"?: {
    readonly name: string;
    readonly config?: Record<string, string>;
  };
};

export type Context = {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
};

export type Kubeconfig = {
  /** The files that it was read from, for messages. */
  readonly files: readonly string[];
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly users: ReadonlyMap<string, User>;
  readonly contexts: ReadonlyMap<string, Context>;
  readonly current: string | null;
};

const clusterFiles = ["certificate-authority"] as const;
const userFiles = ["client-certificate", "client-key", "tokenFile"] as const;

/** Files that do not exist are left out, as kubectl does; one that cannot be read or parsed is a `UserError`. */
export async function readKubeconfig(
  files: readonly string[],
): Promise<Kubeconfig> {
  const clusters = new Map<string, Cluster>();
  const users = new Map<string, User>();
  const contexts = new Map<string, Context>();
  const found: string[] = [];
  let current: string | null = null;
  for (const file of files) {
    const text = await readText(file);
    if (text === null) continue;
    found.push(file);
    const folder = path.dirname(path.resolve(file));
    const entries = new Entries(file, parseDocument(file, text));
    entries.each("clusters", "cluster", (name, cluster) =>
      addFirst(clusters, name, toAbsolute(cluster, clusterFiles, folder)),
    );
    entries.each("users", "user", (name, user) =>
      addFirst(users, name, toAbsolute(user, userFiles, folder)),
    );
    entries.each("contexts", "context", (name, context) =>
      addFirst(contexts, name, context),
    );
    current ??= entries.current();
  }
  return { files: found, clusters, users, contexts, current };
}

type Fields = Readonly<Record<string, unknown>>;

/** The lists of a file, whose entries are `{name, <kind>: {…}}`. */
class Entries {
  readonly #file: string;
  readonly #document: Fields;

  constructor(file: string, document: Fields) {
    this.#file = file;
    this.#document = document;
  }

  each(
    list: string,
    kind: string,
    take: (name: string, value: Fields) => void,
  ) {
    const entries = this.#document[list] ?? [];
    if (!Array.isArray(entries)) throw this.#invalid(`${list} to be a list`);
    entries.forEach((entry: unknown, index) => {
      const { name, [kind]: value } = (entry ?? {}) as Fields;
      if (typeof name !== "string")
        throw this.#invalid(`${list}[${index}].name to be a text`);
      if (typeof value === "object") take(name, (value ?? {}) as Fields);
      else if (kind === "user") take(name, {});
      else throw this.#invalid(`${list}[${index}].${kind} to be there`);
    });
  }

  current(): string | null {
    const name = this.#document["current-context"];
    return typeof name === "string" && name !== "" ? name : null;
  }

  #invalid(expected: string): UserError {
    return new UserError({
      code: "kube.config",
      message: `expected ${expected} in the kubeconfig ${this.#file}`,
      hint: "`kubectl config view` reads the same file",
    });
  }
}

function addFirst<T extends object>(
  all: Map<string, T>,
  name: string,
  value: Fields,
): void {
  if (!all.has(name)) all.set(name, value as T);
}

function toAbsolute(
  value: Fields,
  names: readonly string[],
  folder: string,
): Fields {
  const files = names.flatMap((name) => {
    const file = value[name];
    return typeof file === "string" && file !== ""
      ? [[name, path.resolve(folder, file)] as const]
      : [];
  });
  return { ...value, ...Object.fromEntries(files) };
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw new UserError({
      code: "kube.config",
      message: `cannot read the kubeconfig ${file}: ${toError(thrown).message}`,
      cause: thrown,
    });
  }
}

function parseDocument(file: string, text: string): Fields {
  try {
    const document: unknown = parse(text) ?? {};
    if (typeof document === "object" && !Array.isArray(document))
      return document as Fields;
  } catch (cause) {
    throw new UserError({
      code: "kube.config",
      message: `the kubeconfig ${file} is not valid YAML: ${toError(cause).message}`,
      cause,
    });
  }
  throw new UserError({
    code: "kube.config",
    message: `expected a kubeconfig in ${file}, found ${text.slice(0, 40)}`,
  });
}
