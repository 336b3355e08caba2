/**
 * Every command: its usage, help and options, and where its code is. The parser (`program.ts`) and the completion scripts
 * are both made from this table, so that they cannot disagree.
 */
import { Option } from "commander";
import { clusterCommands } from "./cluster/cluster-commands.ts";
import { clusterOptions, hereOrInCluster } from "./cluster/cluster-options.ts";
import type { CommandDeclaration } from "./command-declaration.ts";
import {
  factorOf,
  graceOption,
  outputOption,
  paramOption,
  storeOption,
  wholeNumberFrom,
} from "./common-options.ts";
import { serviceCommands } from "./service-commands.ts";

export const commands: readonly CommandDeclaration[] = [
  {
    usage: "validate <file>",
    summary:
      "check a pipeline file: every mistake at once, with line and column",
    options: [paramOption(), outputOption()],
    load: async () => (await import("./commands/validate.ts")).validate,
  },
  {
    usage: "plan <file>",
    summary: "show what would run, what is cached, and the critical path",
    description:
      "Expands the file and compares it with the store. Nothing is started and nothing is written. " +
      "With --why, names what changed the key of each task that is not cached, against the latest run of the same pipeline. " +
      "With --memory, estimates the peak of each training from its network, batch and image side.",
    options: [
      paramOption(),
      storeOption(),
      outputOption(),
      new Option("--why", "name what changed each key since the latest run"),
      new Option("--tasks", "list every task"),
      new Option("--memory", "estimate the memory of every training"),
    ],
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    usage: "run <file>",
    summary: "run a pipeline on this machine",
    description:
      "Starts a worker process per task, bounded by cores and declared memory. Running the same file again resumes it, or joins it " +
      "if it is running. What is in the store already is not computed again. Ctrl-C stops after a checkpoint.",
    options: [
      paramOption(),
      storeOption(),
      outputOption(),
      new Option("--cpus <n>", "use at most this many cores").argParser(
        wholeNumberFrom(1),
      ),
      new Option("--memory <size>", "use at most this much memory, e.g. 8Gi"),
      graceOption("time for a checkpoint when a task is told to stop"),
    ],
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    usage: "status [run]",
    summary: "show the state of a run (the latest one by default)",
    description:
      "Shows the phase of a run, what its stages have done, and a line for everything that waits or failed. In a cluster, without " +
      "a name, lists the Runs of the namespace; with --watch and a name it ends with 0 if the Run succeeded, else with 1.",
    options: [
      storeOption(),
      outputOption(),
      new Option("-w, --watch", "follow until the run ends"),
      ...clusterOptions(),
    ],
    load: () =>
      hereOrInCluster(
        async () => (await import("./commands/status.ts")).status,
        async () => (await import("./cluster/status.ts")).statusOfCluster,
      ),
  },
  {
    usage: "logs <run> [task]",
    summary: "print the logs of a run's tasks",
    options: [
      storeOption(),
      outputOption(),
      new Option("-f, --follow", "go on until the task or the run ends"),
      ...clusterOptions(),
    ],
    load: () =>
      hereOrInCluster(
        async () => (await import("./commands/logs.ts")).logs,
        async () => (await import("./logs/logs-of-cluster.ts")).logsOfCluster,
      ),
  },
  {
    usage: "cancel <run>",
    summary: "stop a run after a checkpoint",
    options: [storeOption(), outputOption(), ...clusterOptions()],
    load: () =>
      hereOrInCluster(
        async () => (await import("./commands/control.ts")).cancel,
        async () => (await import("./cluster/control.ts")).cancelInCluster,
      ),
  },
  {
    usage: "retry <run> [task]",
    summary: "try failed tasks again: one, or all of a run",
    options: [storeOption(), outputOption(), ...clusterOptions()],
    load: () =>
      hereOrInCluster(
        async () => (await import("./commands/control.ts")).retry,
        async () => (await import("./cluster/retry.ts")).retryInCluster,
      ),
  },
  {
    usage: "pull <run> [destination]",
    summary: "copy report, metrics and weights of a run, checksums verified",
    description:
      "Copies what has finished, many ranges at once; what is there already is left alone, and a broken pull goes on. A SHA256SUMS " +
      "is written for `sha256sum -c`. Of a run that goes on, says what is missing; --wait follows it to its end.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--only <what>", "a part of it").choices([
        "report",
        "metrics",
        "weights",
      ]),
      new Option(
        "--task <glob>",
        "only tasks of this name or stage, e.g. 'score-*' (may be repeated)",
      )
        .argParser((value: string, all: readonly string[]) => [...all, value])
        .default([] as readonly string[], "all"),
      new Option("--verify", "read back what was written, by its SHA-256"),
      new Option(
        "--partial",
        "of trainings that go on: newest checkpoint's weights, curves so far",
      ),
      new Option("--wait", "follow the run until its last task has ended"),
      new Option(
        "--links [duration]",
        "print links that anyone can fetch for so long (default: 7d, the longest)",
      ),
      ...clusterOptions(),
    ],
    load: async () => (await import("./commands/pull.ts")).pull,
  },
  {
    usage: "report <run>",
    summary:
      "render the report of a run again; --check makes verdicts an exit code",
    options: [
      storeOption(),
      outputOption(),
      new Option("--check", "exit with 1 unless every claim holds"),
      new Option(
        "--to <folder>",
        "where to write it (default: the run's own folder)",
      ),
      new Option(
        "--links <duration>",
        "print links that open it in any browser for so long, e.g. 7d",
      ).conflicts("to"),
      ...clusterOptions(),
    ],
    load: async () => (await import("./commands/report.ts")).report,
  },
  ...clusterCommands,
  {
    usage: "data <action> <what...>",
    summary:
      "inspect a dataset: ls, verify, cat, order; take one to a bucket: push",
    description: [
      "Looks into a dataset, which is a key or RUN/STAGE; takes one to a bucket.",
      "",
      "  ls DATASET                  shards, classes, what was left out",
      "  verify DATASET              check every checksum",
      "  cat DATASET SAMPLE          write one image to stdout",
      "  order DATASET               which samples a training reads when; -o jsonl:",
      "                              each batch, with checksums of its pixels",
      "  push FOLDER|TAR... s3://…   take images to a bucket",
      "  push DATASET --to STORE     copy a packed dataset to another store",
    ].join("\n"),
    options: [
      storeOption(),
      outputOption(["text", "json", "jsonl"]),
      new Option("--mask", "cat: the image's mask instead"),
      new Option("--seed <n>", "order: the seed")
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option("--epoch <n>", "order: the epoch")
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option(
        "--from-step <n>",
        "order: the first step, counted from the epoch's first batch",
      )
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option(
        "--steps <n>",
        "order: how many steps (default: to the end of the epoch)",
      ).argParser(wholeNumberFrom(1)),
      new Option(
        "--batch <n>",
        "order: images a step, over all ranks (default: one a rank)",
      ).argParser(wholeNumberFrom(1)),
      new Option("--ranks <n>", "order: processes that share a batch")
        .argParser(wholeNumberFrom(1))
        .default(1),
      new Option("--rank <n>", "order: which of them, from 0")
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option(
        "--workers <n>",
        "order -o jsonl: threads (0: as many as cores, at most 8)",
      )
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option(
        "--crop <json>",
        'order -o jsonl: as in a pipeline, {"side": 352, "scale": {"shorterSide": [352, 599]}}, or a side alone',
      ),
      new Option("--limit <n>", "order: how many rows, but for jsonl")
        .argParser(wholeNumberFrom(1))
        .default(20),
      new Option("--to <store>", "push: the store that gets a dataset"),
      new Option("--dry-run", "push: only say what would be sent"),
    ],
    load: async () => (await import("./commands/data.ts")).data,
  },
  {
    usage: "colorize <weights> <images...>",
    summary: "colour pictures with a pretrained colorizer",
    description:
      "WEIGHTS is the key of a pretrain artifact, or RUN/STAGE. Writes NAME.colorized.png files.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--to <folder>", "where to write").default("."),
    ],
    load: async () => (await import("./commands/colorize.ts")).colorize,
  },
  {
    usage: "weights <action> <weights>",
    summary: "weights as files: ls, import, export",
    description: [
      "Looks into safetensors files, and turns other programs' weights into ours and back.",
      "",
      "  ls FILE                          tensors of any safetensors file",
      "  import FILE --arch vgg16 -o OUT  a file of ours out of torchvision's",
      "  export WEIGHTS -o OUT            and back; what was imported keeps its bytes",
      "",
      "WEIGHTS is a file that import made, the key of an artifact, or RUN/STAGE. Architectures: alexnet, vgg16, vgg16_bn, resnet50,",
      "resnet101, resnet152.",
    ].join("\n"),
    options: [
      storeOption(),
      new Option(
        "-o, --output <file>",
        "import, export: where to write; ls: text or json",
      ),
      new Option("--arch <name>", "import: which network the weights are of"),
      new Option("--names <whose>", "whose names and layout the other file has")
        .choices(["torchvision", "hueline"])
        .default("torchvision"),
      new Option(
        "--width <factor>",
        "import: of every layer, for narrower networks",
      ).argParser(factorOf),
      new Option(
        "--depth <factor>",
        "import: of every stage, for networks of fewer layers",
      ).argParser(factorOf),
    ],
    load: async () => (await import("./commands/weights.ts")).weights,
  },
  {
    usage: "features <weights> <images...>",
    summary: "write what a layer of a network says of pictures",
    description:
      "WEIGHTS is a file that `weights import` made, the key of an artifact, or RUN/STAGE. Pictures are taken as they are, / 255, minus " +
      "0.4488; each becomes a tensor [height, width, channels] by its file's name. `pool5` and `layer4` are the last maps of VGG-16 and the ResNets.",
    options: [
      storeOption(),
      new Option("--layer <name>", "which layer").makeOptionMandatory(),
      new Option(
        "-o, --output <file>",
        "where to write (safetensors)",
      ).makeOptionMandatory(),
    ],
    load: async () => (await import("./commands/features.ts")).features,
  },
  {
    usage: "gc",
    summary: "remove what no run and no pin needs (shows it, unless --yes)",
    description:
      "Runs and pins keep what they name. What is left goes: artifacts, attempts that were killed, checkpoints of finished tasks, " +
      "claims on nothing. With --older-than, --keep-runs or --max-size, runs are given up too, least recently used first. " +
      "Without --yes nothing is written. Runs may go on and start meanwhile: what they use stays.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--yes", "remove it; without this, only show it"),
      new Option(
        "--keep-runs <n>",
        "keep the n most recently used runs; alone: give up all others",
      ).argParser(wholeNumberFrom(0)),
      new Option(
        "--older-than <duration>",
        "give up runs that were not used for so long, e.g. 30d",
      ),
      new Option(
        "--max-size <size>",
        "give up runs until the store is no larger, e.g. 500GiB",
      ),
      new Option(
        "--grace <duration>",
        "touch nothing that was written within this time",
      ).default("24h"),
      new Option("--pins", "list the pins instead"),
    ],
    load: async () => (await import("./commands/gc.ts")).gc,
  },
  {
    usage: "pin <what>",
    summary: "keep a run or an artifact from gc",
    description:
      "WHAT is a run, the key of an artifact, or RUN/STAGE. A pinned run keeps all its artifacts; a pinned artifact keeps itself and " +
      "what it was made from. `hueline gc --pins` lists the pins.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--reason <text>", "why, for others to read").default(""),
    ],
    load: async () => (await import("./commands/pin.ts")).pin,
  },
  {
    usage: "unpin <what>",
    summary: "let gc have a run or an artifact again",
    options: [storeOption(), outputOption()],
    load: async () => (await import("./commands/pin.ts")).unpin,
  },
  {
    usage: "doctor",
    summary:
      "check this machine: Node, engine, store, memory; say what to mend",
    options: [storeOption(), outputOption()],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "completion <shell>",
    summary: "print a completion script for bash, zsh or fish",
    options: [],
    load: async () => {
      const { completion } = await import("./commands/completion.ts");
      return (environment, args) =>
        completion(
          environment,
          args,
          commands.filter(({ hidden }) => hidden !== true),
        );
    },
  },
  ...serviceCommands,
];
