import { chmod, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import { createIdentity } from "../../../src/kube/config/create-identity.ts";
import type { IdentityOptions } from "../../../src/kube/config/create-identity.ts";
import type { User } from "../../../src/kube/config/kubeconfig.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { connectTo, openKube } from "../../support/kube.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

function create(user: User, more: Partial<IdentityOptions> = {}) {
  const clock = createManualClock();
  const identity = createIdentity({
    cluster: { server: "https://k8s" },
    user,
    env: { PATH: process.env["PATH"] },
    clock,
    ...more,
  });
  return { clock, identity };
}

/** A program that answers with the next of its tokens, and notes that it ran. */
async function writePlugin(answer: object): Promise<{
  readonly command: string;
  runs(): Promise<string[]>;
}> {
  const folder = await createTemporaryFolder();
  const command = `${folder}/plugin`;
  const script = [
    "#!/bin/sh",
    `echo "$KUBERNETES_EXEC_INFO $EXTRA $1" >> ${folder}/runs`,
    `n=$(wc -l < ${folder}/runs | tr -d ' ')`,
    `echo '${JSON.stringify(answer)}' | sed "s/#/$n/"`,
  ];
  await writeFile(command, script.join("\n"));
  await chmod(command, 0o755);
  const runs = async () =>
    (await readFile(`${folder}/runs`, "utf8")).trim().split("\n");
  return { command, runs };
}
const apiVersion = "client.authentication.k8s.io/v1";

describe("who one is to the server", () => {
  it.each<{ name: string; user: User; want: object }>([
    {
      name: "a token",
      user: { token: "abc\n" },
      want: { authorization: "Bearer abc" },
    },
    {
      name: "a name and a password",
      user: { username: "ann", password: "pw" },
      want: { authorization: "Basic YW5uOnB3" },
    },
    { name: "nobody", user: {}, want: {} },
    {
      name: "somebody else, with groups",
      user: { token: "abc", as: "bob", "as-groups": ["a", "b"] },
      want: {
        authorization: "Bearer abc",
        "impersonate-user": "bob",
        "impersonate-group": ["a", "b"],
      },
    },
  ])("is $name", async ({ user, want }) => {
    expect(await create(user).identity.headers()).toEqual(want);
  });

  it("is whom the command names, instead of whom the kubeconfig names", async () => {
    const { identity } = create(
      { as: "bob", "as-groups": ["a"], "as-uid": "1" },
      { impersonate: { user: "eve" } },
    );
    expect(await identity.headers()).toEqual({ "impersonate-user": "eve" });
  });

  it("follows a token that is replaced in its file: after a while, or at once when it is refused", async () => {
    const tokenFile = `${await createTemporaryFolder()}/token`;
    await writeFile(tokenFile, "one\n");
    const { clock, identity } = create({ tokenFile });
    const look = async () => (await identity.headers())["authorization"];
    expect(await look()).toBe("Bearer one");
    await writeFile(tokenFile, "two\n");
    expect(await look()).toBe("Bearer one");
    clock.advance(60_000);
    expect(await look()).toBe("Bearer two");
    await writeFile(tokenFile, "three\n");
    expect(identity.renew()).toBe(true);
    expect(await look()).toBe("Bearer three");
  });

  it("has nothing to renew where it is fixed", () => {
    expect(create({ token: "abc" }).identity.renew()).toBe(false);
  });

  it("says which file it cannot read", async () => {
    const { identity } = create({ "client-certificate": "/none/me.crt" });
    await expect(identity.tls()).rejects.toThrow(/cannot read \/none\/me.crt/);
  });
});

describe("certificates", () => {
  it("stay the same value as long as their files say the same", async () => {
    const ca = `${await createTemporaryFolder()}/ca.crt`;
    await writeFile(ca, "one");
    const { clock, identity } = create(
      {},
      { cluster: { server: "https://k8s", "certificate-authority": ca } },
    );
    const first = await identity.tls();
    clock.advance(60_000);
    await writeFile(ca, "one");
    expect(await identity.tls()).toBe(first);
    clock.advance(60_000);
    await writeFile(ca, "two");
    expect((await identity.tls()).ca?.toString()).toBe("two");
  });

  it("in the kubeconfig count before files, and names and exceptions are handed on", async () => {
    const data = Buffer.from("pem").toString("base64");
    const { identity } = create(
      { "client-certificate-data": data, "client-key-data": data },
      {
        cluster: {
          server: "https://k8s",
          "certificate-authority": "/none",
          "certificate-authority-data": data,
          "tls-server-name": "kubernetes",
          "insecure-skip-tls-verify": true,
        },
      },
    );
    const pem = Buffer.from("pem");
    expect(await identity.tls()).toEqual({
      ca: pem,
      cert: pem,
      key: pem,
      serverName: "kubernetes",
      isInsecure: true,
    });
  });
});

describe("a program that gives credentials", () => {
  it("runs once until its token expires or is refused, with what it may know", async () => {
    const expirationTimestamp = "1970-01-01T00:20:00Z";
    const plugin = await writePlugin({
      status: { token: "t#", expirationTimestamp },
    });
    const { clock, identity } = create({
      exec: {
        apiVersion,
        command: plugin.command,
        args: ["login"],
        env: [{ name: "EXTRA", value: "more" }],
        provideClusterInfo: true,
      },
    });
    const look = async () => (await identity.headers())["authorization"];
    expect(await Promise.all([look(), look()])).toEqual([
      "Bearer t1",
      "Bearer t1",
    ]);
    clock.advance(600_000);
    expect(await look()).toBe("Bearer t2");
    const runs = await plugin.runs();
    expect(runs).toHaveLength(2);
    expect(runs[0]).toMatch(/"server":"https:\/\/k8s".* more login$/);
  });

  it("runs once where several requests were refused at the same time", async () => {
    const plugin = await writePlugin({ status: { token: "t#" } });
    const { clock, identity } = create({
      exec: { apiVersion, command: plugin.command },
    });
    const look = async () => (await identity.headers())["authorization"];
    expect(await look()).toBe("Bearer t1");
    clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) {
      expect(identity.renew()).toBe(true);
      expect(await look()).toBe("Bearer t2");
    }
  });

  it("may give a certificate", async () => {
    const status = { clientCertificateData: "C#", clientKeyData: "K" };
    const { command } = await writePlugin({ status });
    const { identity } = create({ exec: { apiVersion, command } });
    const tls = await identity.tls();
    expect([tls.cert?.toString(), tls.key?.toString()]).toEqual(["C1", "K"]);
    expect(await identity.headers()).toEqual({});
  });

  it("that is not installed is named, with what the kubeconfig says of it", async () => {
    const { identity } = create({
      exec: { apiVersion, command: "no-such-plugin", installHint: "get it" },
    });
    await expect(identity.headers()).rejects.toThrow(
      expect.objectContaining({
        message: expect.stringContaining(
          "'no-such-plugin', which gives the credentials for the cluster, is not installed",
        ) as string,
        hint: "get it",
      }),
    );
  });

  it.each([
    {
      name: "fails",
      args: ["-c", "echo who are you >&2; exit 1"],
      want: "failed: who are you",
    },
    { name: "says no JSON", args: ["-c", "echo s3cr3t"], want: "in JSON" },
    {
      name: "says nothing of use",
      args: ["-c", "echo '{\"status\":{}}'"],
      want: "found neither",
    },
  ])(
    "that $name is an error without what it said on stdout",
    async ({ args, want }) => {
      const { identity } = create({
        exec: { apiVersion, command: "sh", args },
      });
      const asked = identity.headers();
      await expect(asked).rejects.toThrow(UserError);
      await expect(asked).rejects.toThrow(want);
      await expect(asked).rejects.not.toThrow("s3cr3t");
    },
  );
});

describe("auth-providers", () => {
  it("that kubectl has dropped are refused", () => {
    const user = { "auth-provider": { name: "gcp" } };
    expect(() => create(user)).toThrow(/auth-provider 'gcp'/);
  });

  it("of OpenID Connect give their token", async () => {
    const payload = Buffer.from(JSON.stringify({ exp: 4e9 })).toString(
      "base64url",
    );
    const token = `e30.${payload}.c2ln`;
    const { identity } = create({
      "auth-provider": { name: "oidc", config: { "id-token": token } },
    });
    expect(await identity.headers()).toEqual({
      authorization: `Bearer ${token}`,
    });
  });
});

describe("a server that refuses a token", () => {
  it("gets the new one", async () => {
    const tokenFile = `${await createTemporaryFolder()}/token`;
    await writeFile(tokenFile, "old");
    const { server } = await openKube({ token: "new" });
    const file = `${await createTemporaryFolder()}/config`;
    const text = server
      .kubeconfig()
      .replace('"token":"token-of-somebody"', `"tokenFile":"${tokenFile}"`);
    await writeFile(file, text);
    const kube = await connectTo(file);
    await expect(kube.read("/version")).rejects.toThrow(
      expect.objectContaining({ status: 401 }),
    );
    await writeFile(tokenFile, "new");
    expect(await kube.read("/version")).not.toBeNull();
  });

  it("is sent a header for each group", async () => {
    const { server, kube } = await openKube({
      connection: { impersonate: { user: "eve", groups: ["a", "b"] } },
    });
    await kube.read("/version");
    expect(server.requests[0]?.headers).toMatchObject({
      "impersonate-user": "eve",
      "impersonate-group": "a, b",
    });
  });
});
