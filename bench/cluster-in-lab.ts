/** The cases of `bench/cluster.ts` that need a cluster, inside of it: one after the other, by their names and options. */
import { parseArgs } from "node:util";
import { chain } from "./support/cluster/chain.ts";
import { fanArms, fanout } from "./support/cluster/fanout.ts";
import { idle } from "./support/cluster/idle.ts";
import { large } from "./support/cluster/large.ts";
import { many } from "./support/cluster/many.ts";
import { startNodes } from "./support/cluster/nodes.ts";
import { openWorld, variable } from "./support/cluster/world.ts";
import { clusterOptions } from "./support/cluster/options.ts";

const { values, positionals } = parseArgs({
  options: clusterOptions,
  allowPositionals: true,
});
const arms = fanArms.filter((arm) => values.arms.split(",").includes(arm));
const world = await openWorld();
/** Of all cases only the fan-out fills every core with the work of the control plane. */
const whereControlPlaneIsBusy = { ...world, isElsewhere: !values.shared };
const nodes = await startNodes({ ...world, kwok: variable("kwok") });
const cases: Readonly<Record<string, () => Promise<boolean>>> = {
  fanout: () =>
    fanout(whereControlPlaneIsBusy, {
      tasks: Number(values.tasks),
      rounds: Number(values.rounds),
      arms,
    }),
  chain: () => chain(world, { length: Number(values.length) }),
  many: () => many(world, { runs: Number(values.runs) }),
  large: () => large(world, { tasks: Number(values.large) }),
  idle: () => idle(world, { minutes: Number(values.minutes) }),
};
try {
  for (const name of positionals)
    if ((await cases[name]?.()) === false) process.exitCode = 1;
} finally {
  await nodes.stop();
  await world.kube.close();
}
