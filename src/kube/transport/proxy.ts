/**
 * Which proxy a server is reached by, as Go's `net/http` and so kubectl decide: HTTPS_PROXY or HTTP_PROXY by the server's
 * scheme, but not for loopback addresses and not for what NO_PROXY names (hosts, domains, addresses, CIDR blocks, `*`).
 */
import { BlockList, isIP, isIPv6 } from "node:net";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Null: none. */
export function toProxy(server: URL, env: Environment): string | null {
  const name = server.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = env[name] || env[name.toLowerCase()];
  if (!proxy) return null;
  const host = server.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  if (isLoopback(host)) return null;
  const exceptions = (env["NO_PROXY"] || env["no_proxy"] || "").split(",");
  const isException = exceptions.some((exception) =>
    isMatch(exception.trim().toLowerCase(), host, port),
  );
  if (isException) return null;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" || isInBlock(host, "127.0.0.0/8") || host === "::1"
  );
}

function isMatch(exception: string, host: string, port: string): boolean {
  if (exception === "") return false;
  if (exception === "*") return true;
  if (exception.includes("/")) return isInBlock(host, exception);
  const [, name = "", wantPort] = /^(.*?)(?::(\d+))?$/.exec(exception) ?? [];
  if (isIPv6(exception)) return host === exception;
  if (wantPort !== undefined && wantPort !== port) return false;
  if (isIP(name)) return host === name;
  // "example.com" is it and all below it, ".example.com" what is below it.
  const domain = name.replace(/^\*?\./, ".");
  return domain.startsWith(".")
    ? host.endsWith(domain)
    : host === domain || host.endsWith(`.${domain}`);
}

function isInBlock(host: string, block: string): boolean {
  const [network = "", bits] = block.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family) return false;
  const list = new BlockList();
  const type = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(network, Number(bits), type);
  return list.check(host, type);
}
