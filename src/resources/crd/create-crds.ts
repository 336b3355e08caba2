/** The CustomResourceDefinitions of `Run` and `Schedule`, from their schemas: the same value for the same declarations. */
import type { z } from "zod";
import { resources } from "../../kube/kube.ts";
import { GROUP } from "../labels.ts";
import { runSchema } from "../run-schema.ts";
import { scheduleSchema } from "../schedule-schema.ts";
import { toStructural, type Structural } from "./to-structural.ts";

type Column = {
  readonly name: string;
  readonly type: "string" | "integer" | "date" | "boolean";
  readonly jsonPath: string;
  readonly description: string;
};

const age: Column = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since it was created.",
};

const runColumns: readonly Column[] = [
  {
    name: "Phase",
    type: "string",
    jsonPath: ".status.phase",
    description: "Where the Run stands.",
  },
  {
    name: "Done",
    type: "string",
    jsonPath: ".status.done",
    description: "Tasks done, of all.",
  },
  {
    name: "Failed",
    type: "integer",
    jsonPath: ".status.counts.failed",
    description: "Tasks that have failed.",
  },
  {
    name: "Cached",
    type: "integer",
    jsonPath: ".status.counts.cached",
    description: "Tasks that were found in the store.",
  },
  {
    name: "GPU-h",
    type: "string",
    jsonPath: ".status.gpuHours",
    description: "Hours times GPUs used so far.",
  },
  {
    name: "Queue",
    type: "string",
    jsonPath: ".spec.queue",
    description: "The queue that admits its Jobs.",
  },
  {
    name: "Reason",
    type: "string",
    jsonPath: ".status.reason",
    description: "Why it waits, how it failed, or how far it is.",
  },
  age,
];

const scheduleColumns: readonly Column[] = [
  {
    name: "Schedule",
    type: "string",
    jsonPath: ".spec.schedule",
    description: "When Runs start.",
  },
  {
    name: "Timezone",
    type: "string",
    jsonPath: ".spec.timeZone",
    description: "Where that time is.",
  },
  {
    name: "Suspend",
    type: "boolean",
    jsonPath: ".spec.suspend",
    description: "Whether it starts nothing.",
  },
  {
    name: "Last",
    type: "date",
    jsonPath: ".status.lastScheduleTime",
    description: "Time since the last moment.",
  },
  // A date in the future would be shown as <invalid>.
  {
    name: "Next",
    type: "string",
    jsonPath: ".status.nextScheduleTime",
    description: "The next moment.",
  },
  {
    name: "Last result",
    type: "string",
    jsonPath: ".status.lastResult",
    description: "How the Run that ended last ended.",
  },
  age,
];

/** By plural name. */
export function createCrds(): Readonly<Record<"runs" | "schedules", object>> {
  return {
    runs: createCrd(resources.run, "hrun", runColumns, runSchema),
    schedules: createCrd(
      resources.schedule,
      "hsched",
      scheduleColumns,
      scheduleSchema,
    ),
  };
}

function createCrd(
  { kind, plural, apiVersion }: (typeof resources)["run" | "schedule"],
  shortName: string,
  columns: readonly Column[],
  schema: z.ZodType,
): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ["hueline"],
      },
      scope: "Namespaced",
      versions: [
        {
          name: apiVersion.replace(/^.*\//, ""),
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: withObjectFields(toStructural(schema)) },
        },
      ],
    },
  };
}

/** What every object has; the server fills in what is below `metadata`. */
function withObjectFields(schema: Structural): Structural {
  return {
    ...schema,
    properties: {
      apiVersion: {
        type: "string",
        description: "Version of the schema that the object is written in.",
      },
      kind: { type: "string", description: "What the object is." },
      metadata: { type: "object" },
      ...(schema["properties"] as Structural),
    },
  };
}
