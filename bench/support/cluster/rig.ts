/**
 * A control plane with pretended nodes: etcd, API server, controller manager and scheduler of the lab, and kwok for nodes that
 * are always ready. All of it in a network namespace of its own; what is inside is started by `cluster-in-lab.ts`.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLab } from "../../../scripts/cluster/lab.ts";
import { installPeers, peersScripts } from "./peers.ts";

/** Variables that tell the programs inside where things are. */
export const rigVariables = {
  folder: "BENCH_FOLDER",
  stores: "BENCH_STORES",
  audit: "BENCH_AUDIT",
  kwok: "BENCH_KWOK",
  argo: "BENCH_ARGO",
  argoCrds: "BENCH_ARGO_CRDS",
} as const;

/** How fast the controllers of the control plane may ask: as they come, or so that they wait for their processors alone. */
const planeLimits = {
  default: "",
  raised: "--kube-api-qps=500 --kube-api-burst=1000",
} as const;
type PlaneLimits = keyof typeof planeLimits;

export const isPlaneLimits = (word: string): word is PlaneLimits =>
  Object.hasOwn(planeLimits, word);

/** Runs a program inside a rig that is made for it; resolves with its exit code. */
export async function runInRig(
  command: readonly string[],
  needs: { readonly argo: boolean; readonly limits: PlaneLimits },
): Promise<number> {
  const peers = await installPeers(needs);
  // Short: paths of unix sockets have a limit.
  const folder = mkdtempSync(path.join(tmpdir(), "hl-"));
  // Stores stand for buckets, which are elsewhere: in memory their commits do not hold up etcd on the disk of the control plane.
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const stores = mkdtempSync(path.join(memory, "hueline-stores-"));
  const audit = path.join(folder, "audit.log");
  writeFileSync(audit, "");
  Object.assign(process.env, {
    ETCD: peers.etcd,
    APISERVER_ARGS: [
      `--audit-policy-file=${path.join(peersScripts, "audit.yaml")}`,
      `--audit-log-path=${audit}`,
      "--audit-log-mode=batch",
      "--audit-log-batch-max-wait=1s",
      "--audit-log-maxsize=4096",
    ].join(" "),
    KCM_ARGS: `${planeLimits[needs.limits]} --concurrent-job-syncs=20 --node-monitor-grace-period=600s`,
    SCHED_ARGS: planeLimits[needs.limits],
  });
  // Whoever interrupts it ends what runs inside; what is below still clears up.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => undefined);
  const lab = await startLab({
    folder,
    programs: peers.kubernetes,
    tars: [],
    network: path.basename(folder),
    kind: "control",
  });
  try {
    return await lab.run(command, {
      [rigVariables.folder]: folder,
      [rigVariables.stores]: stores,
      [rigVariables.audit]: audit,
      [rigVariables.kwok]: peers.kwok,
      [rigVariables.argo]: peers.argo,
      [rigVariables.argoCrds]: peers.argoCrds,
    });
  } finally {
    await lab.down();
    for (const made of [folder, stores])
      rmSync(made, { recursive: true, force: true });
  }
}
