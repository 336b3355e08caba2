import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import { chooseCluster } from "../../../src/kube/config/choose.ts";
import type { ChoiceOptions } from "../../../src/kube/config/choose.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const config = (name: string, more = "") => `
apiVersion: v1
kind: Config
clusters:
  - name: ${name}
    cluster: { server: "https://${name}:6443", certificate-authority: pki/ca.crt }
users:
  - name: ${name}
    user: { client-certificate: /abs/me.crt, client-key: me.key }
contexts:
  - name: ${name}
    context: { cluster: ${name}, user: ${name}, namespace: ${name}-team }
${more}`;

async function write(files: Record<string, string>): Promise<string> {
  const folder = await createTemporaryFolder();
  await mkdir(`${folder}/.kube`);
  for (const [name, text] of Object.entries(files))
    await writeFile(`${folder}/${name}`, text);
  return folder;
}
const choose = (folder: string, options: Partial<ChoiceOptions> = {}) =>
  chooseCluster({ env: { HOME: folder }, ...options });
async function errorOf(promise: Promise<unknown>): Promise<UserError> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof UserError) return thrown;
  throw new Error(`no UserError but ${String(thrown)}`);
}

describe("the chosen cluster", () => {
  it("is that of the current context in ~/.kube/config, with files relative to it", async () => {
    const folder = await write({
      ".kube/config": config("home", "current-context: home"),
    });
    expect(await choose(folder)).toEqual({
      cluster: {
        server: "https://home:6443",
        "certificate-authority": `${folder}/.kube/pki/ca.crt`,
      },
      user: {
        "client-certificate": "/abs/me.crt",
        "client-key": `${folder}/.kube/me.key`,
      },
      namespace: "home-team",
      origin: "context 'home'",
    });
  });

  it("is that of KUBECONFIG's files together: the first to name a thing decides", async () => {
    const folder = await write({
      ".kube/config": config("home", "current-context: home"),
      one: config("one"),
      two: config("two", "current-context: two").replace(
        "clusters:",
        "clusters:\n  - { name: one, cluster: { server: 'https://wrong' } }",
      ),
    });
    const env = {
      HOME: folder,
      KUBECONFIG: `${folder}/none:${folder}/one::${folder}/two`,
    };
    expect((await choose(folder, { env })).cluster.server).toBe(
      "https://two:6443",
    );
    const one = await choose(folder, { env, context: "one" });
    expect(one.cluster.server).toBe("https://one:6443");
  });

  it("is that of --kubeconfig, --context and --namespace before all", async () => {
    const folder = await write({
      ".kube/config": config("home", "current-context: home"),
      mine: config("mine", "current-context: none"),
    });
    const options = {
      env: { HOME: folder, KUBECONFIG: `${folder}/.kube/config` },
      kubeconfig: `${folder}/mine`,
      context: "mine",
      namespace: "elsewhere",
    };
    const { cluster, namespace } = await choose(folder, options);
    expect([cluster.server, namespace]).toEqual([
      "https://mine:6443",
      "elsewhere",
    ]);
  });

  it("is the pod's own where no kubeconfig says anything", async () => {
    const folder = await write({ token: "t", namespace: "jobs\n" });
    const options = {
      env: {
        HOME: folder,
        KUBERNETES_SERVICE_HOST: "fd00::1",
        KUBERNETES_SERVICE_PORT: "443",
      },
      serviceAccountFolder: folder,
    };
    expect(await choose(folder, options)).toEqual({
      cluster: {
        server: "https://[fd00::1]:443",
        "certificate-authority": `${folder}/ca.crt`,
      },
      user: { tokenFile: `${folder}/token` },
      namespace: "jobs",
      origin: "the pod's service account",
    });
    await writeFile(
      `${folder}/.kube/config`,
      config("home", "current-context: home"),
    );
    expect((await choose(folder, options)).origin).toBe("context 'home'");
  });
});

describe("what is wrong is said with where it is:", () => {
  it("no kubeconfig at all", async () => {
    const folder = await write({});
    const error = await errorOf(choose(folder));
    expect(error.code).toBe("kube.config");
    expect(error.message).toContain(`${folder}/.kube/config`);
  });

  it.each([
    {
      name: "a context that is not there, with those that are",
      text: config("a", "current-context: b"),
      want: ["there is no context 'b'", "there are: a"],
    },
    {
      name: "no current context",
      text: config("a"),
      want: ["has no current context", "there are: a"],
    },
    {
      name: "a cluster that is not there",
      text: config("a", "current-context: a").replace(
        "cluster: a",
        "cluster: b",
      ),
      want: ["names the cluster 'b', which is not there"],
    },
    {
      name: "a user who is not there",
      text: config("a", "current-context: a").replace("user: a", "user: b"),
      want: ["names the user 'b', who is not there"],
    },
    {
      name: "an address that is none",
      text: config("a", "current-context: a").replace("https://", "unix:/"),
      want: ["expected an http or https address", "unix:/a:6443"],
    },
    {
      name: "a list that is none",
      text: "clusters: 1",
      want: ["expected clusters to be a list", "/.kube/config"],
    },
    {
      name: "an entry without a name",
      text: "users: [{ user: {} }]",
      want: ["expected users[0].name to be a text"],
    },
    {
      name: "no YAML",
      text: "clusters: [",
      want: ["is not valid YAML"],
    },
    {
      name: "another document",
      text: "hello",
      want: ["expected a kubeconfig", "found hello"],
    },
  ])("$name", async ({ text, want }) => {
    const folder = await write({ ".kube/config": text });
    const { message, hint } = await errorOf(choose(folder));
    for (const part of want) expect(`${message} ${hint}`).toContain(part);
  });

  it("a file that --kubeconfig names and is not there", async () => {
    const folder = await write({});
    const kubeconfig = `${folder}/none`;
    const { message } = await errorOf(choose(folder, { kubeconfig }));
    expect(message).toContain(kubeconfig);
  });
});
