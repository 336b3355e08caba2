/** What `hueline controller` can be told: by variables, as its installation does, or by options. */
import { Option } from "commander";
import { storeOption, wholeNumberFrom } from "./common-options.ts";

/** An option that the installation gives by a variable. */
const given = (flags: string, what: string, variable: string) =>
  new Option(flags, what).env(variable);

export function controllerOptions(): readonly Option[] {
  const number = (
    flags: string,
    what: string,
    variable: string,
    usual: number,
  ) =>
    given(flags, what, variable).argParser(wholeNumberFrom(0)).default(usual);
  return [
    storeOption(),
    given(
      "--namespace <name>",
      "where Runs are (empty: in all namespaces)",
      "HUELINE_NAMESPACE",
    ),
    given(
      "--lease-namespace <name>",
      "where Leases are (default: the controller's own)",
      "HUELINE_LEASE_NAMESPACE",
    ),
    new Option("--no-leases", "do not share Runs with other replicas"),
    given(
      "--identity <name>",
      "of this replica (default: machine and process)",
      "HUELINE_IDENTITY",
    ),
    given("--image <image>", "what workers run", "HUELINE_IMAGE"),
    given(
      "--worker-service-account <name>",
      "of workers' pods",
      "HUELINE_WORKER_SERVICE_ACCOUNT",
    ),
    given(
      "--worker-credentials-secret <name>",
      "whose keys are variables of workers",
      "HUELINE_WORKER_CREDENTIALS_SECRET",
    ),
    given(
      "--worker-gpu-resource <name>",
      "what `resources.gpu` counts",
      "HUELINE_WORKER_GPU_RESOURCE",
    ),
    given(
      "--worker-env <names>",
      "more variables that workers get as they are here, separated by commas",
      "HUELINE_WORKER_ENV",
    ),
    number("--workers <n>", "Runs looked after at once", "HUELINE_WORKERS", 8),
    number("--qps <n>", "requests a second to the server", "HUELINE_QPS", 50),
    number("--burst <n>", "requests at once", "HUELINE_BURST", 100),
    given("--log-level <level>", "how much is logged", "HUELINE_LOG_LEVEL")
      .choices(["trace", "debug", "info", "warn", "error"])
      .default("info"),
    number(
      "--metrics-port <port>",
      "of /metrics, /healthz, /readyz",
      "HUELINE_METRICS_PORT",
      9090,
    ),
    given(
      "--metrics-host <address>",
      "where they are served",
      "HUELINE_METRICS_HOST",
    ).default("0.0.0.0"),
    new Option("--limit <name=number>", "change a limit (may be repeated)")
      .argParser((value: string, all: readonly string[]) => [...all, value])
      .default([] as readonly string[], "none"),
    new Option("--kubeconfig <file>", "instead of KUBECONFIG"),
    new Option("--context <name>", "of the kubeconfig"),
  ];
}
