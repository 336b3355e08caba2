/** A kubeconfig of one server and one user. */
export function toKubeconfig(options: {
  readonly cluster: {
    readonly server: string;
    /** A file. */
    readonly "certificate-authority"?: string;
  };
  readonly namespace?: string;
}): string {
  const { cluster, namespace } = options;
  const context = {
    cluster: "fake",
    user: "somebody",
    ...(namespace !== undefined && { namespace }),
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "fake", cluster }],
    users: [{ name: "somebody", user: { token: "token-of-somebody" } }],
    contexts: [{ name: "fake", context }],
    "current-context": "fake",
  });
}
