/**
 * Who may import whom (docs/design.md, "Rooms"). One row a room: what it may import from `src/`, and why not more.
 * A room that is not listed here may not exist: `every-room-has-a-row` fails.
 */
const rooms = {
  base: { may: [], why: "base knows no domain word" },
  spec: { may: ["base"], why: "text to spec is pure and loads nothing heavy" },
  plan: { may: ["base", "spec"], why: "spec to plan is pure" },
  run: {
    may: ["base", "plan", "spec"],
    why: "deciding is pure: no I/O, no clock, no logging",
  },
  store: {
    may: ["base", "plan", "run"],
    why: "a store knows keys and bytes, not who makes or reads them",
  },
  kube: {
    may: ["base"],
    why: "a client of the API server knows no run and no task",
  },
  resources: {
    may: ["base", "spec", "run", "kube"],
    why: "Run and Schedule as values, schemas and decisions: pure",
  },
  executor: {
    may: ["base", "plan", "run", "store", "kube", "resources"],
    why: "an executor starts tasks and never looks inside one",
  },
  data: {
    may: ["base", "spec", "store"],
    why: "images and batches, without a model or TensorFlow",
  },
  engine: {
    may: ["base"],
    why: "the engine computes; it knows no image, task or store",
  },
  model: {
    may: ["base", "spec", "engine", "store/artifacts"],
    why: "networks and losses do no I/O",
  },
  train: {
    may: ["base", "spec", "engine", "model", "data", "store"],
    why: "the loop knows no stage and no executor",
  },
  report: { may: ["base", "spec", "plan"], why: "values to pages is pure" },
  stages: {
    may: [
      "base",
      "spec",
      "plan",
      "store",
      "data",
      "engine",
      "model",
      "train",
      "report",
    ],
    why: "a stage knows neither executor nor command line",
  },
  worker: {
    may: ["base", "plan", "spec", "store", "stages"],
    why: "a worker runs one task and knows no executor",
  },
  controller: {
    may: [
      "base",
      "spec",
      "plan",
      "run",
      "store",
      "executor",
      "report",
      "kube",
      "resources",
    ],
    why: "the controller decides and writes; it never computes, and TensorFlow never loads there",
  },
  cli: {
    may: [
      "base",
      "spec",
      "plan",
      "run",
      "store",
      "kube",
      "resources",
      "executor",
      "report",
      "worker",
      "engine/location",
    ],
    why: "commands start without TensorFlow; heavy work is handed in by main.ts",
  },
};

const roomRules = Object.entries(rooms).map(([room, { may, why }]) => ({
  name: `${room}-imports`,
  comment: `${room} may import ${may.join(", ") || "nothing of ours"}: ${why}.`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: {
    path: "^src/",
    pathNot: [`^src/${room}/`, ...may.map((other) => `^src/${other}[/.]`)],
  },
}));

/** One door per dependency. */
const doors = [
  { name: "yaml", package: "yaml", door: ["^src/spec/", "^src/kube/config/"] },
  {
    name: "zod",
    package: "zod",
    door: [
      "^src/spec/",
      "^src/store/",
      "^src/data/",
      "^src/report/",
      "^src/resources/",
      "^src/stages/",
    ],
  },
  { name: "aws-sdk", package: "@aws-sdk/", door: ["^src/store/s3/"] },
  { name: "smithy", package: "@smithy/", door: ["^src/store/s3/wire/"] },
  { name: "sharp", package: "sharp", door: ["^src/data/"] },
  {
    name: "jpeg-turbo",
    package: "@julusian/jpeg-turbo",
    door: ["^src/data/"],
  },
  {
    name: "tensorflow",
    package: "@tensorflow/",
    door: ["^src/engine/", "^src/model/", "^src/train/"],
  },
  {
    name: "commander",
    package: "commander",
    door: ["^src/cli/", "^src/main\\.ts"],
  },
  {
    name: "kubernetes",
    package: "@kubernetes/client-node",
    door: ["^src/kube/"],
  },
  { name: "undici", package: "undici", door: ["^src/kube/"] },
  { name: "croner", package: "croner", door: ["^src/resources/"] },
  { name: "prom-client", package: "prom-client", door: ["^src/controller/"] },
  { name: "pino", package: "pino", door: ["^src/main\\.ts"] },
];
const doorRules = doors.map((door) => ({
  name: `${door.name}-has-one-door`,
  comment: `${door.package} is opened by ${door.door.join(", ")} alone; the rest asks them.`,
  severity: "error",
  from: { path: "^src/", pathNot: door.door },
  to: { path: `^node_modules/${door.package}` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    ...doorRules,
    {
      name: "every-room-has-a-row",
      comment: "A new room needs a row in this table first.",
      severity: "error",
      from: {},
      to: {
        path: "^src/[^/]+/",
        pathNot: [`^src/(${Object.keys(rooms).join("|")})/`],
      },
    },
    {
      name: "nobody-imports-main",
      comment: "main.ts wires; what it offers is handed in as parameters.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/main\\.ts" },
    },
    {
      name: "no-stage-imports-a-stage",
      comment:
        "Stages share through `_` files, data, model and train, never through each other.",
      severity: "error",
      from: {
        path: "^src/stages/([^_][^/]*)\\.ts$",
        pathNot: "^src/stages/stages\\.ts$",
      },
      to: {
        path: "^src/stages/(?!_|stage\\.ts|stages\\.ts)[^/]+\\.ts$",
        pathNot: "^src/stages/$1\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "internal-files-stay-inside",
      comment: "A file that starts with `_` is its room's own.",
      severity: "error",
      from: { path: "^src/([^/]+)/" },
      to: { path: ["^src/[^/]+/_", "^src/[^/]+/[^/]+/_"], pathNot: "^src/$1/" },
    },
    {
      name: "no-cycles",
      comment: "Data flows one way.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-orphans",
      comment: "Dead code.",
      severity: "error",
      from: { orphan: true, path: "^src/" },
      to: {},
    },
    {
      name: "not-to-tests",
      comment: "The product does not know its tests.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts)/" },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
