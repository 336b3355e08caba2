/** What goes wrong on the way to the API server, in the words of whoever decides what to do next. */
import {
  systemCode,
  toError,
  TransientError,
  UserError,
} from "../../base/errors.ts";

export type NetworkFailure =
  /** Nothing was sent. */
  | "unreachable"
  /** The request may have been done. */
  | "broken"
  /** The server's, or ours. */
  | "certificate"
  /** No failure of the network: a bug. */
  | null;

const unreachable: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const broken: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_ABORTED",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_SOCKET",
]);

export function toNetworkFailure(thrown: unknown): NetworkFailure {
  const code = systemCode(thrown) ?? "";
  if (unreachable.has(code)) return "unreachable";
  if (isCertificate(code)) return "certificate";
  if (broken.has(code)) return "broken";
  return null;
}

/** OpenSSL's names (`x509_txt.c`) and Node's own. */
function isCertificate(code: string): boolean {
  return (
    /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CRL_|UNABLE_TO_)/.test(code) ||
    /CERT|^EPROTO$|^HOSTNAME_MISMATCH$/.test(code)
  );
}

/**
 * As the port has it. `isFirst`: the server has never answered, so that a mistake in its address is more likely than an
 * outage.
 */
export function toServerError(
  thrown: unknown,
  server: string,
  isFirst: boolean,
): unknown {
  const failure = toNetworkFailure(thrown);
  if (failure === null) return thrown;
  if (failure === "certificate") return toCertificateError(thrown, server);
  const { message: why } = toError(thrown);
  const message = `the API server at ${server} does not answer: ${why || systemCode(thrown)}`;
  if (failure === "unreachable" && isFirst)
    return new UserError({
      code: "kube.unreachable",
      message,
      hint: "is the cluster up, and reachable from here (VPN, proxy)? `kubectl cluster-info` asks the same server",
      cause: thrown,
    });
  const code = `kube.${failure}`;
  return new TransientError({ code, message, cause: thrown });
}

/** A certificate that does not fit is mended by people. */
function toCertificateError(thrown: unknown, server: string): UserError {
  const code = systemCode(thrown) ?? "";
  return new UserError({
    code: "kube.certificate",
    message: `no trusted connection to the API server at ${server}: ${toError(thrown).message} (${code})`,
    hint: hintOf(code),
    cause: thrown,
  });
}

function hintOf(code: string): string {
  if (code === "CERT_HAS_EXPIRED")
    return "the certificate has expired, or this machine's clock is wrong: get a new kubeconfig";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return "the certificate is for another name: set `tls-server-name` of the cluster in the kubeconfig";
  if (/SELF_SIGNED|UNABLE_TO/.test(code))
    return "`certificate-authority-data` of the cluster in the kubeconfig is not the one that signed the server's certificate";
  return "look at `server`, `certificate-authority` and the client certificate in the kubeconfig; does the server speak https?";
}
