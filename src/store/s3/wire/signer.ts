/**
 * GETs signed for S3 (`sign.ts`), as text that is ready for a connection, with credentials and an idea of the server's
 * clock that are shared with the SDK's client where there is one: what either learns, both use.
 */
import type { Clock } from "../../../base/clock.ts";
import type { Access } from "./address.ts";
import { escapeKey } from "./escape.ts";
import { signGet } from "./sign.ts";

export type Signer = {
  /** A GET of a key, ready to be written to a connection. */
  sign(key: string, headers: Readonly<Record<string, string>>): Promise<string>;
  /** The server counts another time: it answered at `date`. */
  setClock(date: string | undefined): void;
};

export function createSigner(
  { address, signing }: Access,
  clock: Clock,
): Signer {
  const { protocol, hostname, port, basePath, signingRegion } = address;
  const isUsual = port === (protocol === "https:" ? 443 : 80);
  const host = isUsual ? hostname : `${hostname}:${port}`;
  return {
    async sign(key, headers) {
      const path = basePath + escapeKey(key);
      const signed = signGet({
        host,
        path,
        headers,
        region: signingRegion,
        keys: await signing.credentials(),
        date: new Date(clock.now() + signing.systemClockOffset),
      });
      const lines = Object.entries(signed).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    },

    setClock(date) {
      const serverMs = Date.parse(date ?? "");
      if (!Number.isNaN(serverMs))
        signing.systemClockOffset = serverMs - clock.now();
    },
  };
}
