/**
 * Following many pods that change: what an informer costs while a server tells of 600 events a second over TLS, 3 KB each, as
 * a Job of 1,000 pods makes them. Ours, which keeps what the controller reads of a pod, beside the informer of
 * `@kubernetes/client-node`, which keeps all of it.
 *
 *   node bench/watch.ts [--pods 1000] [--perSecond 600] [--rounds 5]
 *
 * The server is this process, each arm one of its own; they take turns. Prints a JSON line an arm, with medians, and a ratio;
 * exits with 1 when ours takes more than 0.7 times the CPU time of the other, or when an arm has not heard all.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeCertificate } from "../test/support/certificate.ts";
import { toKubeconfig } from "../test/support/kubeconfig.ts";
import { startLineProgram, type LineProgram } from "./support/arms.ts";
import { sameJob } from "./support/cluster/jobs.ts";
import { median } from "./support/measure.ts";

/** What an arm says of a round. */
export type WatchRound = {
  readonly events: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
};

const LIMIT = 0.7;
const EVERY_MS = 5;

const { values } = parseArgs({
  options: {
    pods: { type: "string", default: "1000" },
    perSecond: { type: "string", default: "600" },
    rounds: { type: "string", default: "5" },
  },
});
const pods = Number(values.pods);
const perTick = (Number(values.perSecond) * EVERY_MS) / 1000;

/** As the API server has them: what became of the pods of a Job of ours, with who wrote what. */
function buildEvents(): readonly Buffer[] {
  const namespace = "bench";
  const { spec } = sameJob({ namespace, storeUrl: "s3://b/p" }, pods);
  const { metadata, spec: podSpec } = spec.template;
  const writers = ["kube-controller-manager", "kubelet"].map((manager) => ({
    manager,
    operation: "Update",
    apiVersion: "v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`f:field${i}`, { "f:name": {} }]),
    ),
  }));
  const phases = ["Pending", "Pending", "Succeeded", "Succeeded"];
  return phases.flatMap((phase, turn) =>
    Array.from({ length: pods }, (_, i) => {
      const object = {
        kind: "Pod",
        apiVersion: "v1",
        metadata: {
          ...metadata,
          name: `fan-${i}`,
          namespace,
          uid: `a-pod-${i}`,
          resourceVersion: String(1000 + turn * pods + i),
          managedFields: writers,
        },
        spec: { ...podSpec, ...(turn > 0 && { nodeName: "node-1" }) },
        status: { phase, qosClass: "Guaranteed" },
      };
      const type = turn === 0 ? "ADDED" : "MODIFIED";
      return Buffer.from(`${JSON.stringify({ type, object })}\n`);
    }),
  );
}

async function sendEvents(
  events: readonly Buffer[],
  response: ServerResponse,
): Promise<void> {
  const startMs = performance.now();
  for (let sent = 0; sent < events.length && !response.destroyed;) {
    const ticks = (performance.now() - startMs) / EVERY_MS;
    const due = Math.min(events.length, Math.ceil(ticks * perTick));
    for (; sent < due; sent++) response.write(events[sent]);
    await delay(EVERY_MS);
  }
}

const folder = mkdtempSync(path.join(tmpdir(), "hueline-bench-"));
const { key, cert } = await writeCertificate(folder);
const events = buildEvents();
const server = createServer(
  { key: readFileSync(key), cert: readFileSync(cert) },
  (request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    if (request.url?.includes("watch=true"))
      return void sendEvents(events, response);
    const metadata = { resourceVersion: "1" };
    response.end(
      JSON.stringify({
        kind: "PodList",
        apiVersion: "v1",
        metadata,
        items: [],
      }),
    );
  },
);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const kubeconfig = path.join(folder, "config");
const cluster = {
  server: `https://127.0.0.1:${port}`,
  "certificate-authority": cert,
};
writeFileSync(kubeconfig, toKubeconfig({ cluster }));

const names = ["ours", "client-node"] as const;
const arms = new Map<string, LineProgram>();
const rounds = new Map<string, WatchRound[]>(names.map((name) => [name, []]));
try {
  for (const name of names)
    arms.set(
      name,
      startLineProgram(name, [
        process.execPath,
        path.join(import.meta.dirname, "watch-arm.ts"),
        name,
        kubeconfig,
        String(events.length),
      ]),
    );
  // The first round is for warming up.
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const [name, arm] of arms) {
      const one = await arm.ask<WatchRound>("round");
      if (one.events !== events.length)
        throw new Error(`${name} heard ${one.events} of ${events.length}`);
      if (round > 0) rounds.get(name)?.push(one);
    }
} finally {
  for (const arm of arms.values()) await arm.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}

const cpuOf = (name: string): number =>
  median(rounds.get(name)?.map(({ cpuSeconds }) => cpuSeconds) ?? []);
for (const [name, all] of rounds)
  say({
    arm: name,
    events: events.length,
    bytesOfEvent: events[0]?.length,
    cpuSeconds: cpuOf(name),
    peakMiB: Math.round((all.at(-1)?.peakBytes ?? 0) / 2 ** 20),
    rounds: all.map(({ cpuSeconds }) => cpuSeconds),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  });
const ratio = cpuOf("ours") / cpuOf("client-node");
say({ what: "CPU time, ours / client-node", ratio, limit: LIMIT });
if (!(ratio <= LIMIT)) process.exitCode = 1;

function say(fields: object): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}
