/** `hueline pin` and `hueline unpin`: what `gc` keeps because a person said so. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import { inspectClaim } from "../../store/claims/claims.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import {
  keepArtifacts,
  type KeepOptions,
} from "../../store/gc/keep-artifacts.ts";
import {
  readPins,
  removePin,
  writePin,
  type Pin,
} from "../../store/gc/pins.ts";
import { readPinnedKeys } from "../../store/gc/survey.ts";
import { readPlan, toLeaseKey } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { findArtifact, loadRun } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";

const LOOK_AGAIN_MS = 200;

type PinOptions = {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly reason: string;
};

export async function pin(
  environment: Environment,
  [given = ""]: readonly string[],
  options: PinOptions,
): Promise<ExitCode> {
  const { clock } = environment;
  const store = openStoreOption(options.store, environment);
  const target = await findTarget(store, given);
  const made = { ...target, reason: options.reason, pinnedAtMs: clock.now() };
  await writePin(store, made);
  await keep(environment, store, target);
  if (options.output === "json") printJson(environment.stdout, made);
  else
    environment.stdout.write(
      `${describe(target)} is pinned: gc keeps it until \`hueline unpin ${target.name}\`\n`,
    );
  return ExitCode.done;
}

export async function unpin(
  environment: Environment,
  [given = ""]: readonly string[],
  options: PinOptions,
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const name = await findPin(store, given);
  await removePin(store, name);
  if (options.output === "json")
    printJson(environment.stdout, { unpinned: name });
  else environment.stdout.write(`${name} is no longer pinned\n`);
  return ExitCode.done;
}

type Target = Pick<Pin, "kind" | "name">;

/** A run, or what else names an artifact. */
async function findTarget(store: Store, given: string): Promise<Target> {
  const isArtifact = given.includes("/") || /^[0-9a-f]{8,64}$/.test(given);
  if (!isArtifact)
    return { kind: "run", name: (await loadRun(store, given)).run };
  return { kind: "artifact", name: (await findArtifact(store, given)).key };
}

/** The pin by the name that it has, or by what it was made with: what it stands for may be gone. */
async function findPin(store: Store, given: string): Promise<string> {
  const names = (await readPins(store)).map(({ name }) => name);
  const matches = names.filter((name) => name.startsWith(given));
  const [only] = matches;
  if (names.includes(given)) return given;
  if (matches.length === 1 && only !== undefined) return only;
  if (matches.length === 0 && given.includes("/")) {
    const { name } = await findTarget(store, given);
    if (names.includes(name)) return name;
  }
  throw new UserError({
    code: "pin.unknown",
    message:
      matches.length > 1
        ? `'${given}' is the beginning of ${matches.length} pins`
        : `nothing is pinned as '${given}' in ${store.url}`,
    hint: "hueline gc --pins lists the pins",
  });
}

/** A sweep that is under way is told; what it had taken before that is gone, and is said. */
async function keep(
  environment: Environment,
  store: Store,
  target: Target,
): Promise<void> {
  const { clock, host, log, signal } = environment;
  const owner = await readOwner({
    host: host.name,
    pid: host.pid,
    run: target.name,
    task: "pin",
  });
  const isOwnerAlive = createLiveness({ host: host.name });
  const options = { store, clock, log, signal, owner, isOwnerAlive };
  if (target.kind === "run") await waitForGiveUp(options, target.name);
  const keys = await readPinnedKeys(store, target);
  await keepArtifacts(options, { what: "pin", name: target.name }, keys);
  const isThere =
    target.kind === "run"
      ? (await readPlan(store, target.name)) !== null
      : await isCommitted(store, target.name);
  if (isThere) return;
  await removePin(store, target.name);
  throw new UserError({
    code: "pin.gone",
    message: `gc has just removed ${describe(target)}`,
    hint: "run its pipeline again: what is gone is computed anew",
  });
}

/** A sweep asks for pins once it holds a run's lease: who writes one waits until it has let go, and then looks. */
async function waitForGiveUp(options: KeepOptions, run: string): Promise<void> {
  const { store, clock, signal } = options;
  for (;;) {
    const lease = await inspectClaim(store, toLeaseKey(run), options);
    const isSwept = lease?.state === "held" && lease.by.run === "gc";
    if (!isSwept || signal.aborted) return;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

function describe({ kind, name }: Target): string {
  return kind === "run" ? `run ${name}` : `artifact ${name}`;
}
