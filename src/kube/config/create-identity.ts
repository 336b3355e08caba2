/** From a kubeconfig's user and cluster to what each request carries. */
import type { Clock } from "../../base/clock.ts";
import type { Identity, TlsMaterial } from "../transport/identity.ts";
import type { Environment } from "../transport/proxy.ts";
import { createExecPlugin } from "./exec-plugin.ts";
import type { ExecPluginRunner } from "./exec-plugin.ts";
import type { Cluster, User } from "./kubeconfig.ts";
import { createOidcTokens } from "./oidc.ts";
import { watchFile } from "./watched-file.ts";
import type { WatchedFile } from "./watched-file.ts";

export type Impersonation = {
  readonly user: string;
  readonly groups?: readonly string[] | undefined;
};

export type IdentityOptions = {
  readonly cluster: Cluster;
  readonly user: User;
  /** In whose name, where the server allows it: instead of whom the kubeconfig says. */
  readonly impersonate?: Impersonation | undefined;
  readonly env: Environment;
  readonly clock: Clock;
};

/** Null: there is none. */
type Read<T> = () => Promise<T | null>;

export function createIdentity(options: IdentityOptions): Identity {
  const { cluster, user, env, clock } = options;
  const files: WatchedFile[] = [];
  const watch = (file: string): WatchedFile => {
    const watched = watchFile(file, clock);
    files.push(watched);
    return watched;
  };
  /** As kubectl: what stands in the kubeconfig counts before a file. */
  const pem = (data: string | undefined, file: string | undefined) =>
    data
      ? constant(Buffer.from(data, "base64"))
      : file
        ? watch(file).read
        : none;

  const ca = pem(
    cluster["certificate-authority-data"],
    cluster["certificate-authority"],
  );
  const cert = pem(user["client-certificate-data"], user["client-certificate"]);
  const key = pem(user["client-key-data"], user["client-key"]);
  const plugin = user.exec
    ? createExecPlugin({ plugin: user.exec, cluster, env, clock })
    : null;
  const authorization = toAuthorization(user, plugin, watch);
  const impersonation = toHeaders(user, options.impersonate);
  const remember = createMemory(cluster);

  return {
    async headers() {
      const value = await authorization();
      return {
        ...(value !== null && { authorization: value }),
        ...impersonation,
      };
    },
    async tls() {
      const given = await plugin?.read();
      return remember({
        ca: await ca(),
        cert: given?.cert ?? (await cert()),
        key: given?.key ?? (await key()),
      });
    },
    renew() {
      plugin?.expire();
      for (const file of files) file.expire();
      return plugin !== null || files.length > 0;
    },
  };
}

const none = (): Promise<null> => Promise.resolve(null);

function constant<T>(value: T): Read<T> {
  return () => Promise.resolve(value);
}

function toAuthorization(
  user: User,
  plugin: ExecPluginRunner | null,
  watch: (file: string) => WatchedFile,
): Read<string> {
  const bearer = (token: string | null | undefined): string | null =>
    token ? `Bearer ${token.trim()}` : null;
  const { token, tokenFile, username, password = "" } = user;
  if (tokenFile) {
    const file = watch(tokenFile);
    return async () => bearer((await file.read()).toString());
  }
  if (token) return constant(`Bearer ${token.trim()}`);
  if (username) {
    const pair = Buffer.from(`${username}:${password}`).toString("base64");
    return constant(`Basic ${pair}`);
  }
  if (plugin) return async () => bearer((await plugin.read()).token);
  const provider = user["auth-provider"];
  if (!provider) return none;
  const tokens = createOidcTokens(provider);
  return async () => bearer(await tokens.read());
}

/** User impersonation of the API server's authentication; a header for each group. */
function toHeaders(
  user: User,
  impersonate: Impersonation | undefined,
): Readonly<Record<string, string | string[]>> {
  const name = impersonate?.user ?? user.as;
  if (name === undefined) return {};
  const groups = impersonate ? impersonate.groups : user["as-groups"];
  const uid = impersonate ? undefined : user["as-uid"];
  return {
    "impersonate-user": name,
    ...(groups && groups.length > 0 && { "impersonate-group": [...groups] }),
    ...(uid !== undefined && { "impersonate-uid": uid }),
  };
}

type Material = {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
};

/** The same value for the same certificates, so that connections live as long as they. */
function createMemory(cluster: Cluster): (now: Material) => TlsMaterial {
  let last: { readonly material: Material; readonly tls: TlsMaterial } | null =
    null;
  return (now) => {
    const isSame =
      last?.material.ca === now.ca &&
      last.material.cert === now.cert &&
      last.material.key === now.key;
    if (last && isSame) return last.tls;
    const { ca, cert, key } = now;
    const serverName = cluster["tls-server-name"];
    const tls = {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(serverName && { serverName }),
      isInsecure: cluster["insecure-skip-tls-verify"] ?? false,
    };
    last = { material: now, tls };
    return tls;
  };
}
