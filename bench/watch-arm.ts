/**
 * One arm of bench/watch.ts: `node bench/watch-arm.ts ours|client-node KUBECONFIG EVENTS`. One round per line on standard input:
 * an informer from its start until it has told of so many events.
 */
import { createInterface } from "node:readline";
import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import { readOfPodSpec } from "../src/controller/objects.ts";
import { connect } from "../src/kube/connect.ts";
import { openInformer } from "../src/kube/informer.ts";
import { resources } from "../src/kube/kube.ts";
import { peakBytes } from "./support/measure.ts";
import type { WatchRound } from "./watch.ts";

const [name = "", kubeconfig = "", wanted = ""] = process.argv.slice(2);
const namespace = "bench";

/** Resolves when so many events were told; then the informer is stopped. */
function countEvents() {
  const all = Promise.withResolvers<void>();
  let events = 0;
  const hear = (): void => {
    if (++events === Number(wanted)) all.resolve();
  };
  return { hear, all: all.promise, events: () => events };
}

async function byOurs(): Promise<number> {
  const kube = await connect({
    env: {},
    kubeconfig,
    userAgent: "bench/1",
    clock: systemClock,
    random: Math.random,
  });
  const { hear, all, events } = countEvents();
  const informer = openInformer({
    kube,
    resource: resources.pod,
    namespace,
    specFields: readOfPodSpec,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  informer.onChange(hear);
  await all;
  await informer.close();
  await kube.close();
  return events();
}

async function byClientNode(): Promise<number> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const { hear, all, events } = countEvents();
  const informer = makeInformer(
    config,
    `/api/v1/namespaces/${namespace}/pods`,
    () => api.listNamespacedPod({ namespace }),
  );
  informer.on("add", hear);
  informer.on("update", hear);
  await informer.start();
  await all;
  await informer.stop();
  return events();
}

const follow = name === "ours" ? byOurs : byClientNode;
for await (const _ of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  const events = await follow();
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const round: WatchRound = { events, cpuSeconds, peakBytes: peakBytes() };
  console.log(JSON.stringify(round));
}
