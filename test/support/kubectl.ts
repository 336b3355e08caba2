/** kubectl against the cluster of KUBECONFIG, in a namespace of its own. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { promisify } from "node:util";
import type { KubeObject } from "../../src/kube/kube.ts";

const execute = promisify(execFile);
const crds = path.resolve(import.meta.dirname, "../../k8s/crds");

export type Kubectl = {
  readonly namespace: string;
  /** What it says on stdout; a refusal of the server is thrown, with what it says. */
  run(...args: readonly string[]): Promise<string>;
  /** With something on its stdin. */
  send(input: string, ...args: readonly string[]): Promise<string>;
  /** `apply -f -`. */
  apply(object: object, ...args: readonly string[]): Promise<string>;
  /** Why the server refuses what this does; throws if it does not. */
  refusal(attempt: Promise<string>): Promise<string>;
  close(): Promise<void>;
};

export async function openKubectl(): Promise<Kubectl> {
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  const run = async (
    args: readonly string[],
    input?: string,
  ): Promise<string> => {
    const child = execute("kubectl", ["-n", namespace, ...args]);
    child.child.stdin?.end(input);
    return (await child).stdout;
  };
  await run(["create", "namespace", namespace]);
  return {
    namespace,
    run: (...args) => run(args),
    send: (input, ...args) => run(args, input),
    apply: (object, ...args) =>
      run(["apply", "-f", "-", ...args], JSON.stringify(object)),
    async refusal(attempt) {
      const said = await attempt.then(
        (text) => ({ text }),
        (thrown: unknown) => ({ thrown }),
      );
      if ("text" in said) throw new Error(`it was not refused: ${said.text}`);
      return String(said.thrown);
    },
    async close() {
      await run(["delete", "namespace", namespace, "--timeout=60s"]);
    },
  };
}

/** Those of this version, over what another test may have installed. */
export async function installCrds(kubectl: Kubectl): Promise<void> {
  await kubectl.run("apply", "--server-side", "--force-conflicts", "-f", crds);
  await kubectl.run(
    "wait",
    "--for=condition=Established",
    "--timeout=30s",
    "crd/runs.hueline.dev",
    "crd/schedules.hueline.dev",
  );
}

/** Without what the server gives. */
export function asWritten(object: KubeObject): object {
  return { ...object, metadata: { name: object.metadata.name } };
}
