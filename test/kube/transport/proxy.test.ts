import { describe, expect, it } from "vitest";
import { toProxy } from "../../../src/kube/transport/proxy.ts";

const proxy = "http://proxy:3128";
const cases: readonly {
  readonly name: string;
  readonly server: string;
  readonly env: Record<string, string>;
  readonly want: string | null;
}[] = [
  {
    name: "an https server is reached by HTTPS_PROXY",
    server: "https://k8s.example.com:6443",
    env: { HTTPS_PROXY: proxy, HTTP_PROXY: "http://other:1" },
    want: proxy,
  },
  {
    name: "an http server is reached by HTTP_PROXY",
    server: "http://k8s.example.com",
    env: { HTTPS_PROXY: "http://other:1", HTTP_PROXY: proxy },
    want: proxy,
  },
  {
    name: "small letters count too, and a proxy without a scheme is an http one",
    server: "https://k8s.example.com",
    env: { https_proxy: "proxy:3128" },
    want: proxy,
  },
  {
    name: "loopback addresses need none",
    server: "https://127.0.0.1:6443",
    env: { HTTPS_PROXY: proxy },
    want: null,
  },
  {
    name: "the machine itself needs none",
    server: "https://localhost:6443",
    env: { HTTPS_PROXY: proxy },
    want: null,
  },
  ...[
    ["k8s.example.com", "https://k8s.example.com"],
    ["example.com", "https://k8s.example.com"],
    [".example.com", "https://k8s.example.com"],
    ["*.example.com", "https://k8s.example.com"],
    ["other, 10.0.0.0/8", "https://10.96.0.1:443"],
    ["10.96.0.1", "https://10.96.0.1:443"],
    ["fd00::/8", "https://[fd00::1]:6443"],
    ["k8s.example.com:6443", "https://k8s.example.com:6443"],
    ["*", "https://k8s.example.com"],
  ].map(([exception = "", server = ""]) => ({
    name: `NO_PROXY=${exception} excepts ${server}`,
    server,
    env: { HTTPS_PROXY: proxy, NO_PROXY: exception },
    want: null,
  })),
  ...[
    ["ample.com", "https://k8s.example.com"],
    [".example.com", "https://example.com"],
    ["10.0.0.0/8", "https://k8s.example.com"],
    ["11.0.0.0/8", "https://10.96.0.1"],
    ["k8s.example.com:443", "https://k8s.example.com:6443"],
    ["", "https://k8s.example.com"],
  ].map(([exception = "", server = ""]) => ({
    name: `NO_PROXY=${exception} does not except ${server}`,
    server,
    env: { HTTPS_PROXY: proxy, NO_PROXY: exception },
    want: proxy,
  })),
];

describe("the proxy of a server", () => {
  it.each(cases)("$name", ({ server, env, want }) => {
    expect(toProxy(new URL(server), env)).toBe(want);
  });
});
