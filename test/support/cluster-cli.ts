/** The command line in this process, against a pretended API server, as somebody with a kubeconfig has it. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Environment } from "../../src/cli/environment.ts";
import { runProgram } from "../../src/cli/program.ts";
import { resources } from "../../src/kube/kube.ts";
import type {
  Run,
  RunResourceStatus,
} from "../../src/resources/run-resource.ts";
import { createEnvironment, runCli } from "./cli.ts";
import {
  startFakeApiServer,
  testNamespace,
  type ApiObject,
  type FakeApiServer,
  type FakeApiServerOptions,
} from "./fake-api-server.ts";
import { buildRun } from "./run-objects.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

type More = Partial<
  Pick<
    Parameters<typeof createEnvironment>[1],
    "answer" | "isTerminal" | "signal" | "clock" | "variables"
  >
>;

export type ClusterCli = Awaited<ReturnType<typeof openClusterCli>>;

/** For a test: a folder with a kubeconfig, which KUBECONFIG names, and what `hueline` does there. */
export async function openClusterCli(
  options: FakeApiServerOptions & { readonly server?: FakeApiServer } = {},
) {
  const server = options.server ?? (await startFakeApiServer(options));
  onTestFinished(() => server.close());
  const folder = await createTemporaryFolder();
  const kubeconfig = path.join(folder, "kubeconfig");
  await writeFile(kubeconfig, server.kubeconfig());
  const settings = (more: More) => ({
    currentDirectory: folder,
    ...more,
    variables: { KUBECONFIG: kubeconfig, ...more.variables },
  });
  return {
    server,
    folder,
    hueline: (args: readonly string[], more: More = {}) =>
      runCli(args, settings(more)),
    /** A command that goes on, and what it has written so far. */
    start(args: readonly string[], more: More = {}) {
      const stop = new AbortController();
      const environment = createEnvironment(
        args,
        settings({ signal: stop.signal, ...more }),
      );
      const { stdout, stderr }: Pick<typeof environment, "stdout" | "stderr"> =
        environment;
      return {
        stdout: () => stdout.text(),
        stderr: () => stderr.text(),
        stop: () => {
          stop.abort();
        },
        ended: runProgram(environment satisfies Environment, "0.0.0-test"),
      };
    },
    /** A Run that is there. */
    put(given: Parameters<typeof buildRun>[0] = {}): Run {
      const run = buildRun(given) as unknown as ApiObject;
      return server.put(resources.run, run) as unknown as Run;
    },
    run: (name: string) =>
      server.get(resources.run, name, testNamespace) as unknown as Run | null,
    setStatus(name: string, status: Partial<RunResourceStatus>): void {
      server.change(resources.run, { name }, { status });
    },
  };
}

/** What a controller says of a Run. */
export function buildStatus(
  change: Partial<RunResourceStatus> = {},
): RunResourceStatus {
  return {
    phase: "Running",
    reason: "1 of 4 tasks done, 2 running",
    observedGeneration: 1,
    conditions: [],
    startedAt: "2026-01-01T00:00:10Z",
    done: "1/4",
    gpuHours: "1.5",
    counts: {
      total: 4,
      succeeded: 1,
      cached: 1,
      running: 2,
      pending: 1,
      failed: 0,
      skipped: 0,
      cancelled: 0,
    },
    stages: [
      {
        stage: "photos",
        kind: "shard",
        tasks: 1,
        succeeded: 1,
        cached: 1,
        running: 0,
        failed: 0,
      },
      {
        stage: "train",
        kind: "pretrain",
        tasks: 3,
        succeeded: 0,
        cached: 0,
        running: 2,
        failed: 0,
      },
    ],
    notes: [],
    ...change,
  };
}
