/**
 * The controller against a real API server, scheduler and Job controller with pretended nodes (kwok), beside a bare Indexed
 * Job and Argo Workflows. Pods run nothing: a program of the bench commits their tasks' manifests, the same for all arms.
 *
 *   node bench/cluster.ts [CASE...] [--arms hueline,job,argo-default,argo-raised] [--tasks 1000] [--rounds 9]
 *                         [--length 200] [--runs 200] [--large 10000] [--minutes 5]
 *                         [--limits raised|default] [--shared]
 *
 *   fanout     tasks of no work, from submitting to Succeeded; requests and CPU seconds of each controller
 *   chain      tasks in a row: from a manifest to the creation of the next Job
 *   many       Runs of 30 tasks at once
 *   large      one Run of very many tasks: bytes of its status, memory of the controller, time of `hueline status`
 *   idle       50 suspended Runs: requests a minute
 *   simulated  100,000 tasks planned and driven to their end without a cluster
 *
 * A cluster's controllers and its control plane are on different machines. Here they have the same cores, which the control plane
 * fills in `fanout`: every controller (ours, Argo's) has a niceness of 10 there, a tenth of a core where there is none to spare. That
 * is less than a machine of its own would give it. With `--shared` they compete with the control plane on equal terms.
 *
 * The control plane's own controllers may ask as fast as they can. With `--limits default` they have the limits that clusters are
 * installed with, 20 requests a second for the Job controller: then that is what a fan-out waits for, and no processor is busy.
 *
 * Any arm's round may be a fifth longer than another: the Job controller takes finalizers off its pods, a request each, either
 * before the last pods have ended or after. Ratios of three rounds scatter by a tenth; so there are nine, three of Argo's.
 *
 * Prints JSON lines; exits with 1 when a limit is not kept. Cases that need a cluster say that they are left out where the
 * folder `kube-lab` is not beside the checkout, or where nobody is root.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { clusterOptions } from "./support/cluster/options.ts";
import { whyNoRig } from "./support/cluster/peers.ts";
import { isPlaneLimits, runInRig } from "./support/cluster/rig.ts";

const inCluster = ["fanout", "chain", "many", "large", "idle"];
const script = (name: string): string[] => [
  process.execPath,
  path.join(import.meta.dirname, name),
];

const { values, positionals } = parseArgs({
  options: clusterOptions,
  allowPositionals: true,
});
const { limits } = values;
if (!isPlaneLimits(limits))
  throw new Error(`expected --limits raised or default, found '${limits}'`);
const wanted =
  positionals.length > 0 ? positionals : [...inCluster, "simulated"];

if (wanted.includes("simulated")) {
  // A process of its own, whose memory is this case's.
  const [program = "", ...words] = script("cluster-simulated.ts");
  const { status } = spawnSync(program, words, { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
const cases = wanted.filter((name) => inCluster.includes(name));
const why = cases.length === 0 ? null : await whyNoRig();
if (why !== null)
  process.stdout.write(`${cases.join(", ")}: skipped: ${why}\n`);
else if (cases.length > 0) {
  const { shared, ...texts } = values;
  const options = [
    ...Object.entries(texts).map(([name, value]) => `--${name}=${value}`),
    ...(shared ? ["--shared"] : []),
  ];
  const command = [...script("cluster-in-lab.ts"), ...cases, ...options];
  const argo = cases.includes("fanout") && values.arms.includes("argo");
  const code = await runInRig(command, { argo, limits });
  if (code !== 0) process.exitCode = 1;
}
