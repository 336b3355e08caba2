/**
 * A program: functions that share variables, compiled into one TensorFlow graph and run in one session.
 *
 * (a) Runs of one program happen one after another, in the order of the calls, whatever awaits them: a step reads what the step
 *     before it wrote. The event loop stays free meanwhile.
 * (b) Variables live in the session (see residence.ts). `read` and `write` are the doors; `close` brings the values back.
 * (c) Results belong to the caller. Feeds are copied when the run starts, so they must not change before its promise settles.
 *
 * docs/adr/0002-step-compiler.md says why.
 */
import type { SessionAddon } from "../session-addon.ts";
import { isTracing } from "./backend.ts";
import { toSessionFeeds } from "./feeds.ts";
import { Graph } from "./graph.ts";
import type { Precision } from "./precision.ts";
import { Residence } from "./residence.ts";
import { GraphSession } from "./session.ts";
import { TraceError } from "./trace-error.ts";
import { traceFunction } from "./trace.ts";
import type { TracedFunction } from "./trace.ts";
import { stepFunction } from "./types.ts";
import type {
  Feeds,
  Inputs,
  Outputs,
  ProgramInfo,
  Results,
  RunOptions,
  SessionOptions,
  Shape,
  StepFunction,
  StepFunctions,
  TensorsOf,
  TensorValue,
  TypedArray,
} from "./types.ts";

export interface ProgramSpec<F extends StepFunctions> {
  readonly functions: F;
  readonly session?: SessionOptions;
  /** What products are computed in; variables stay float32. float32 when left out. */
  readonly precision?: Precision;
  /** Limit of every run that sets none itself. Left out: no limit. */
  readonly timeoutMs?: number;
}

export interface Program<F extends StepFunctions = StepFunctions> {
  readonly info: ProgramInfo;
  /** Of its variables, by name. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /**
   * Runs one function. Throws a FeedError if the feeds do not fit and a TraceError inside of a traced function; rejects with a
   * TransientError after a time-out, a UserError when memory runs out.
   */
  run<N extends keyof F & string>(
    name: N,
    feeds: Feeds<F[N]>,
    options?: RunOptions,
  ): Promise<Results<F[N]>>;
  /** Values of the variables by name, in one run; read them only, TensorFlow may own the memory. */
  read(names?: Iterable<string>): Promise<Map<string, TensorValue>>;
  /**
   * Copies the named variables' bytes into shared memory, in one run and off this thread: a target has exactly its variable's size.
   * It costs one copy, where `read` costs none but leaves memory behind that the next update has to leave alone.
   */
  readInto(
    targets: ReadonlyMap<string, Uint8Array<SharedArrayBuffer>>,
  ): Promise<void>;
  /** Sets the named variables, in one run, all or none of them. */
  write(values: ReadonlyMap<string, TypedArray>): Promise<void>;
  /** Waits for the runs under way, brings the variables' values back into eager tensors and frees the session. Idempotent. */
  close(): Promise<void>;
}

/** What a program needs of the loaded engine. */
export interface ProgramHost {
  readonly session: SessionAddon;
}

/**
 * Traces the functions, loads the graph and moves the values of all variables that the functions touch into its session.
 * Throws a TraceError, before anything has changed, if a function cannot be compiled.
 */
export async function createProgram<const F extends StepFunctions>(
  host: ProgramHost,
  spec: ProgramSpec<F>,
): Promise<Program<F>> {
  const started = performance.now();
  const graph = new Graph(spec.precision);
  const functions = new Map(
    Object.entries(spec.functions).map(([name, step]) => [
      name,
      traceFunction(graph, name, step),
    ]),
  );
  const residence = new Residence(graph);
  const traced = performance.now();
  const session = new GraphSession(
    host.session,
    graph.nodes,
    spec.session ?? {},
  );
  await closeUnless(session, residence.moveIn(session));
  const info: ProgramInfo = {
    nodes: graph.nodes.length,
    graphBytes: session.graphBytes,
    variables: residence.size,
    traceMs: traced - started,
    loadMs: performance.now() - traced,
  };
  return new CompiledProgram<F>(info, functions, residence, session, spec);
}

/** A session whose variables could not be set is of no use to anybody. */
async function closeUnless(
  session: GraphSession,
  ready: Promise<void>,
): Promise<void> {
  try {
    await ready;
  } catch (thrown) {
    session.close();
    throw thrown;
  }
}

class CompiledProgram<F extends StepFunctions> implements Program<F> {
  readonly info: ProgramInfo;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly #functions: ReadonlyMap<string, TracedFunction>;
  readonly #residence: Residence;
  readonly #session: GraphSession;
  readonly #defaults: RunOptions;
  /** Settles when the last run asked for has ended (a). Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(
    info: ProgramInfo,
    functions: ReadonlyMap<string, TracedFunction>,
    residence: Residence,
    session: GraphSession,
    { timeoutMs }: Pick<RunOptions, "timeoutMs">,
  ) {
    this.info = info;
    this.shapes = residence.shapes;
    this.#functions = functions;
    this.#residence = residence;
    this.#session = session;
    this.#defaults = timeoutMs === undefined ? {} : { timeoutMs };
  }

  // Not async: called while tracing it has to throw at once, where the traced function sees it.
  run<N extends keyof F & string>(
    name: N,
    feeds: Feeds<F[N]>,
    options: RunOptions = {},
  ): Promise<Results<F[N]>> {
    const traced = this.#functions.get(name);
    if (traced === undefined)
      throw new Error(`the program has no function '${name}'`);
    this.#refuseCallWhileTracing();
    const sessionFeeds = toSessionFeeds(traced, feeds);
    return this.#inTurn(async () => {
      this.#residence.check();
      const values = await this.#session.run({
        what: `run of '${name}'`,
        feeds: sessionFeeds,
        fetches: traced.outputs.map((o) => o.node),
        targets: traced.updates,
        options: { ...this.#defaults, ...options },
      });
      const named = traced.outputs.map((o, k) => [o.key, values[k]] as const);
      return Object.fromEntries(named) as Results<F[N]>;
    });
  }
  read(names?: Iterable<string>): Promise<Map<string, TensorValue>> {
    this.#refuseCallWhileTracing();
    return this.#inTurn(() => {
      this.#residence.check();
      return this.#residence.read(names);
    });
  }
  readInto(
    targets: ReadonlyMap<string, Uint8Array<SharedArrayBuffer>>,
  ): Promise<void> {
    this.#refuseCallWhileTracing();
    return this.#inTurn(() => {
      this.#residence.check();
      return this.#residence.readInto(targets);
    });
  }
  write(values: ReadonlyMap<string, TypedArray>): Promise<void> {
    this.#refuseCallWhileTracing();
    return this.#inTurn(() => {
      this.#residence.check();
      return this.#residence.write(values);
    });
  }
  close(): Promise<void> {
    this.#closed ??= this.#inTurn(async () => {
      try {
        await this.#residence.moveOut();
      } finally {
        this.#session.close();
      }
    });
    return this.#closed;
  }

  #refuseCallWhileTracing(): void {
    if (isTracing())
      throw new TraceError(
        "a compiled program is used inside a traced function: call the plain function instead",
      );
  }
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== null)
      return Promise.reject(new Error("the program is closed"));
    const result = this.#last.then(work);
    // The failure belongs to whoever awaits `result`; the next run only waits its turn.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** A compiled function of its own. */
export interface CompiledStep<I extends Inputs, O extends Outputs> {
  (
    feeds: Feeds<StepFunction<I, O>>,
    options?: RunOptions,
  ): Promise<Results<StepFunction<I, O>>>;
  readonly program: Program<{ call: StepFunction<I, O> }>;
}
/** Compiles one function: a program with the single function `call`. */
export async function jit<const I extends Inputs, O extends Outputs>(
  host: ProgramHost,
  inputs: I,
  fn: (tensors: TensorsOf<I>) => O,
): Promise<CompiledStep<I, O>> {
  const program = await createProgram(host, {
    functions: { call: stepFunction(inputs, fn) },
  });
  const call = (feeds: Feeds<StepFunction<I, O>>, options?: RunOptions) =>
    program.run("call", feeds, options);
  return Object.assign(call, { program });
}
