/** Commands that no person types: an installation starts the controller, executors start workers. */
import { Option } from "commander";
import type { CommandDeclaration } from "./command-declaration.ts";
import { graceOption, storeOption, wholeNumberFrom } from "./common-options.ts";
import { controllerOptions } from "./controller-options.ts";

export const serviceCommands: readonly CommandDeclaration[] = [
  {
    usage: "controller",
    summary: "look after the Runs of a cluster (what its installation starts)",
    description:
      "Watches Runs and Schedules, starts Jobs for their tasks, and reports what becomes of them. Several replicas share the " +
      "Runs by Leases. SIGTERM lets go of everything; Jobs go on.",
    options: controllerOptions(),
    load: async () => (await import("./commands/controller.ts")).controller,
  },
  {
    usage: "worker",
    summary: "run one task of a run (what executors start)",
    hidden: true,
    options: [
      storeOption(),
      new Option("--run <run>", "the run").makeOptionMandatory(),
      new Option("--task <task>", "the task"),
      new Option("--pack <pack>", "the pack that the task is in, with --index"),
      new Option("--index <n>", "its place in the pack, from 0").argParser(
        wholeNumberFrom(0),
      ),
      new Option(
        "--detached",
        "go on when stdin closes, and end when the task is over its time limit",
      ),
      new Option(
        "--log-to-store",
        "write what it says to the run's logs too, every few seconds",
      ),
      graceOption(
        "time between SIGTERM and SIGKILL: a checkpoint that takes longer is given up",
      ),
    ],
    load: async () => (await import("./commands/worker.ts")).worker,
  },
];
