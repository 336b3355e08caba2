/**
 * What the controller measures of itself, for Prometheus. A registry of its own, nothing global: two controllers in one
 * process (tests) do not meet. Names and labels are an interface; labels never grow with the number of Runs.
 */
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
} from "prom-client";
import type { RunResourcePhase } from "../../resources/run-resource.ts";
import type { TaskPhase } from "../../run/status.ts";

/** Numbers that are asked for when somebody scrapes. */
export type MetricSources = {
  readonly queueDepth: () => number;
  readonly leasesHeld: () => number;
  readonly runsByPhase: () => Readonly<
    Partial<Record<RunResourcePhase, number>>
  >;
  readonly tasksByPhase: () => Readonly<Partial<Record<TaskPhase, number>>>;
};

export type Metrics = {
  /** The text of `/metrics`, and its content type. */
  render(): Promise<{ readonly text: string; readonly contentType: string }>;
  /** Where the gauges come from; before this they are absent. */
  observe(sources: MetricSources): void;
  step(kind: "run" | "schedule", seconds: number): void;
  waited(seconds: number): void;
  retried(): void;
  request(request: {
    readonly verb: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  watchRestarted(kind: string): void;
  storeFailed(): void;
  statusWritten(): void;
};

const STEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) => new Counter<L>({ name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ) =>
    new Histogram<L>({
      name,
      help,
      labelNames,
      buckets: STEP_SECONDS,
      registers,
    });
  collectDefaultMetrics({ register: registry });
  const steps = histogram(
    "hueline_controller_step_seconds",
    "Time of one turn of a Run or a Schedule.",
    ["kind"],
  );
  const waits = histogram(
    "hueline_controller_queue_wait_seconds",
    "Time between a key being due and its turn.",
  );
  const retries = counter(
    "hueline_controller_retries_total",
    "Turns that failed and are tried again.",
  );
  const requests = histogram(
    "hueline_kube_request_seconds",
    "Requests to the API server, by verb and status code.",
    ["verb", "code"],
  );
  const restarts = counter(
    "hueline_kube_watch_restarts_total",
    "Watches begun again, by kind.",
    ["kind"],
  );
  const storeErrors = counter(
    "hueline_store_errors_total",
    "Turns that failed because of the store.",
  );
  const statusWrites = counter(
    "hueline_controller_status_writes_total",
    "Writes of the status of a Run.",
  );
  return {
    async render() {
      const text = await registry.metrics();
      return { text, contentType: registry.contentType };
    },
    observe: (sources) => {
      addGauges(registers, sources);
    },
    step: (kind, seconds) => {
      steps.observe({ kind }, seconds);
    },
    waited: (seconds) => {
      waits.observe(seconds);
    },
    retried: () => {
      retries.inc();
    },
    request: ({ verb, code, seconds }) => {
      requests.observe({ verb, code }, seconds);
    },
    watchRestarted: (kind) => {
      restarts.inc({ kind });
    },
    storeFailed: () => {
      storeErrors.inc();
    },
    statusWritten: () => {
      statusWrites.inc();
    },
  };
}

/** Gauges are read when somebody scrapes, so that they are never stale. */
function addGauges(registers: Registry[], sources: MetricSources): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const gaugeByPhase = (
    name: string,
    help: string,
    values: () => Readonly<Record<string, number>>,
  ) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["phase"],
      collect() {
        this.reset();
        for (const [phase, count] of Object.entries(values()))
          this.set({ phase }, count);
      },
    });
  gauge(
    "hueline_controller_queue_depth",
    "Keys that are due and wait for their turn.",
    sources.queueDepth,
  );
  gauge(
    "hueline_controller_shards_held",
    "Shards of Runs that this replica has.",
    sources.leasesHeld,
  );
  gaugeByPhase(
    "hueline_runs",
    "Runs that are ours, by phase.",
    sources.runsByPhase,
  );
  gaugeByPhase(
    "hueline_tasks",
    "Tasks of the Runs that are driven here, by phase.",
    sources.tasksByPhase,
  );
}
