/**
 * Credentials from a program that the kubeconfig names (`aws eks get-token`, `gke-gcloud-auth-plugin`, `kubelogin`):
 * `client.authentication.k8s.io` `ExecCredential`, KEP-541. Kept until they expire, or the server refuses them.
 *
 * X1 One run of the program at a time: it may open a browser.
 * X2 What it says on stdout is a secret and appears in no message.
 */
import { execFile } from "node:child_process";
import type { Clock } from "../../base/clock.ts";
import { toError, UserError } from "../../base/errors.ts";
import type { Environment } from "../transport/proxy.ts";
import type { Cluster, ExecPlugin } from "./kubeconfig.ts";

export type ExecCredential = {
  readonly token: string | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
};

export type ExecPluginRunner = {
  /** The same object as long as it is trusted. */
  read(): Promise<ExecCredential>;
  expire(): void;
};

/** Somebody may have to type a password in a browser. */
const timeoutMs = 5 * 60_000;
/** What is refused so soon was sent with the credential before: one run of the program is enough for all of them. */
const freshMs = 5_000;

export function createExecPlugin(options: {
  readonly plugin: ExecPlugin;
  readonly cluster: Cluster;
  readonly env: Environment;
  readonly clock: Clock;
}): ExecPluginRunner {
  const { clock } = options;
  let kept: {
    readonly is: ExecCredential;
    readonly untilMs: number;
    readonly gotAtMs: number;
  } | null = null;
  let running: Promise<ExecCredential> | null = null;

  async function get(): Promise<ExecCredential> {
    const { credential, untilMs } = parse(
      await runPlugin(options),
      options.plugin,
    );
    kept = { is: credential, untilMs, gotAtMs: clock.monotonicMs() };
    return credential;
  }
  return {
    async read() {
      if (kept && clock.now() < kept.untilMs) return kept.is;
      // X1
      running ??= get().finally(() => {
        running = null;
      });
      return running;
    },
    expire() {
      if (kept && clock.monotonicMs() - kept.gotAtMs < freshMs) return;
      kept = null;
    },
  };
}

type RunOptions = {
  readonly plugin: ExecPlugin;
  readonly cluster: Cluster;
  readonly env: Environment;
};

function runPlugin({ plugin, cluster, env }: RunOptions): Promise<string> {
  const { command, args } = plugin;
  const own = (plugin.env ?? []).map(
    ({ name, value }) => [name, value] as const,
  );
  const info = {
    kind: "ExecCredential",
    apiVersion: plugin.apiVersion,
    spec: {
      interactive: false,
      ...(plugin.provideClusterInfo && { cluster: toClusterInfo(cluster) }),
    },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...(args ?? [])],
      {
        timeout: timeoutMs,
        env: {
          ...env,
          ...Object.fromEntries(own),
          KUBERNETES_EXEC_INFO: JSON.stringify(info),
        },
      },
      (error, stdout, stderr) => {
        if (error) reject(toPluginError(plugin, error, stderr));
        else resolve(stdout);
      },
    );
    child.stdin?.end();
  });
}

function toClusterInfo(cluster: Cluster): object {
  const { server, "certificate-authority-data": data } = cluster;
  return {
    server,
    ...(data && { "certificate-authority-data": data }),
    ...(cluster["tls-server-name"] && {
      "tls-server-name": cluster["tls-server-name"],
    }),
    ...(cluster["insecure-skip-tls-verify"] && {
      "insecure-skip-tls-verify": true,
    }),
  };
}

function toPluginError(
  { command, installHint }: ExecPlugin,
  error: Error & { readonly code?: unknown },
  stderr: string,
): UserError {
  const isMissing = error.code === "ENOENT";
  const said = stderr.trim().split("\n").slice(-3).join(" ");
  const what = isMissing
    ? "is not installed"
    : `failed${said === "" ? "" : `: ${said}`}`;
  return new UserError({
    code: "kube.credentials",
    message: `the program '${command}', which gives the credentials for the cluster, ${what}`,
    hint:
      (isMissing ? installHint?.trim() : undefined) ??
      "`kubectl get pods` runs the same program: log in there first",
  });
}

function parse(
  stdout: string,
  plugin: ExecPlugin,
): { readonly credential: ExecCredential; readonly untilMs: number } {
  const { status } = parseOutput(stdout, plugin);
  const { token, expirationTimestamp } = status ?? {};
  const cert = status?.clientCertificateData;
  const key = status?.clientKeyData;
  if (!token && !(cert && key))
    throw new UserError({
      code: "kube.credentials",
      message: `expected a token or a certificate with its key from '${plugin.command}', found neither in its answer`,
    });
  return {
    credential: {
      token: token ?? null,
      cert: cert ? Buffer.from(cert) : null,
      key: key ? Buffer.from(key) : null,
    },
    untilMs: expirationTimestamp ? Date.parse(expirationTimestamp) : Infinity,
  };
}

type Output = {
  readonly status?: {
    readonly token?: string;
    readonly expirationTimestamp?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
};

function parseOutput(stdout: string, { command }: ExecPlugin): Output {
  try {
    const parsed: unknown = JSON.parse(stdout);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch (thrown) {
    // X2: the parser's message quotes what it read.
    const { name } = toError(thrown);
    throw new UserError({
      code: "kube.credentials",
      message: `expected an ExecCredential in JSON from '${command}', found something else (${name})`,
    });
  }
  throw new UserError({
    code: "kube.credentials",
    message: `expected an ExecCredential from '${command}', found no object`,
  });
}
