/** A worker process that computes nothing: its task's `params.behaviour` says how it ends. Light, so that it starts soon. */
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { createFileStore } from "../../src/store/fs.ts";
import { layout } from "../../src/store/layout.ts";
import type { TaskDescription } from "../../src/plan/task-description.ts";

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "" },
    run: { type: "string", default: "" },
    task: { type: "string", default: "" },
    grace: { type: "string", default: "" },
  },
});
const store = createFileStore({ directory: fileURLToPath(values.store) });
const bytes = await store.read(layout.runTask(values.run, values.task));
const { task } = JSON.parse(
  Buffer.from(bytes ?? []).toString(),
) as TaskDescription;
const say = (line: object): boolean =>
  process.stdout.write(`${JSON.stringify(line)}\n`);

const { behaviour } = task.params as { readonly behaviour: string };
switch (behaviour) {
  case "succeed":
    await store.putIfAbsent(layout.manifest(task.key), Buffer.from("{}"));
    break;
  case "commit-and-die":
    await store.putIfAbsent(layout.manifest(task.key), Buffer.from("{}"));
    process.kill(process.pid, "SIGKILL");
    break;
  case "bad-data":
    say({
      level: "error",
      code: "data.none",
      msg: "no photographs",
      hint: null,
    });
    process.exitCode = 65;
    break;
  case "hang":
    process.on("SIGTERM", () => process.exit(143));
    process.stdin.on("end", () => process.exit(143)).resume();
    say({ progress: { step: 1, steps: 2, detail: "hanging" } });
    setInterval(() => undefined, 1000);
    break;
  case "stubborn":
    process.on("SIGTERM", () => undefined);
    setInterval(() => undefined, 1000);
    say({ progress: { step: 1, steps: 1, detail: "deaf" } });
    break;
  case "crash":
    throw new Error("a bug in a library");
  case "sigkill":
    process.kill(process.pid, "SIGKILL");
    break;
  case "busy":
    say({ level: "error", code: "claim.held", msg: "somebody has it" });
    process.exitCode = 75;
    break;
  default:
    process.exitCode = 64;
}
