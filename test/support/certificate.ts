/** A certificate that nobody knows, for servers on the loopback interface. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Writes PEM files into a folder, valid for `localhost` and 127.0.0.1, and returns their paths. */
export async function writeCertificate(
  folder: string,
): Promise<{ readonly key: string; readonly cert: string }> {
  const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  await promisify(execFile)("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1".split(" "),
    ..."-nodes -days 2 -subj /CN=localhost".split(" "),
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  return { key, cert };
}
