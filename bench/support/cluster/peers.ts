/**
 * What the cluster benchmark is made of and compared with: kwok, Argo's workflow controller and an etcd that is new enough
 * for both, beside the lab that cluster tests use. Built once into the user's cache with Go's own client, etcd unpacked from
 * Debian's package: a quarter of an hour on two cores.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import {
  installLab,
  labScripts,
  whyNoLab,
} from "../../../scripts/cluster/lab.ts";
import { cacheRootOf } from "../../../src/engine/location.ts";

export type Peers = {
  /** The folder of Kubernetes' own programs. */
  readonly kubernetes: string;
  readonly etcd: string;
  readonly kwok: string;
  readonly argo: string;
  /** A folder for `kubectl apply -k`. */
  readonly argoCrds: string;
};

export const peersScripts = path.join(labScripts, "peers");

/** Why the cases that need a cluster cannot run here; null: they can. */
export async function whyNoRig(): Promise<string | null> {
  const why = await whyNoLab();
  if (why !== null) return why;
  return existsSync(path.join(peersScripts, "build.sh"))
    ? null
    : "the folder 'kube-lab' has no 'peers'";
}

/** @param needs.argo it takes long to build, and not every case needs it. */
export async function installPeers(needs: {
  readonly argo: boolean;
}): Promise<Peers> {
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const folder = path.join(cacheRoot, "hueline", "bench", "cluster-peers");
  mkdirSync(folder, { recursive: true });
  const kubernetes = await installLab();
  const inFolder = (name: string): string => path.join(folder, name);
  const peers = {
    kubernetes,
    etcd: inFolder("etcd-root/usr/bin/etcd"),
    kwok: inFolder("kwok"),
    argo: inFolder("workflow-controller"),
    argoCrds: inFolder("argo-crds"),
  };
  const run = (script: string, ...words: string[]) =>
    execFileSync(script, words, { stdio: ["ignore", 2, 2] });
  if (!existsSync(peers.etcd))
    run(
      path.join(labScripts, "newer-debs.sh"),
      "sid",
      inFolder("etcd-root"),
      "etcd-server",
    );
  const build = path.join(peersScripts, "build.sh");
  if (!existsSync(peers.kwok)) run(build, folder, "kwok");
  if (needs.argo && !existsSync(peers.argoCrds)) run(build, folder, "argo");
  return peers;
}
