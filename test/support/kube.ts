/** Clients of a pretended API server, as a test has them: no pacing, short waits, closed after the test. */
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { connect, defaultKubeLimits } from "../../src/kube/connect.ts";
import type { ConnectOptions, KubeLimits } from "../../src/kube/connect.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { startFakeApiServer } from "./fake-api-server.ts";
import type { FakeApiServer, FakeApiServerOptions } from "./fake-api-server.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const testLimits: KubeLimits = {
  ...defaultKubeLimits,
  requestsPerSecond: 10_000,
  burst: 10_000,
  retry: { ...defaultKubeLimits.retry, firstDelayMs: 1, maxDelayMs: 5 },
};

export type KubeTest = { readonly server: FakeApiServer; readonly kube: Kube };

/** For a test: a server and a client of it. */
export async function openKube(
  options: FakeApiServerOptions & {
    readonly limits?: Partial<KubeLimits>;
    readonly connection?: Partial<ConnectOptions>;
  } = {},
): Promise<KubeTest> {
  const server = await startFakeApiServer(options);
  onTestFinished(() => server.close());
  const folder = await createTemporaryFolder();
  const file = path.join(folder, "config");
  await writeFile(file, server.kubeconfig());
  const kube = await connectTo(file, options.limits, options.connection);
  return { server, kube };
}

/** For a test: a client of whatever a kubeconfig says. */
export async function connectTo(
  kubeconfig: string,
  limits: Partial<KubeLimits> = {},
  more: Partial<ConnectOptions> = {},
): Promise<Kube> {
  const kube = await connect({
    env: {},
    kubeconfig,
    userAgent: "hueline-test/0",
    clock: systemClock,
    random: () => 0.5,
    limits: { ...testLimits, ...limits },
    ...more,
  });
  onTestFinished(() => kube.close());
  return kube;
}
