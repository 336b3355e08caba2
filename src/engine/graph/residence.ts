/**
 * Where the values of a program's variables are: from the program's creation until it is closed, in its session.
 *
 * (a) In between, the `tf.Variable` is a token without a value. Eager code that reads it gets a TraceError that says what to do, since
 *     a synchronous read cannot wait for an asynchronous run and a silent copy would be stale after the next one.
 * (b) `assign` by eager code in between is seen at the next run and refused.
 * (c) All values travel in one run, whichever way: TensorFlow prunes and optimises the whole graph for every new set of feeds and
 *     fetches, so one run per variable takes seconds.
 */
import * as tf from "@tensorflow/tfjs-core";
import { collectGarbage } from "../../base/collect-garbage.ts";
import { onTraceBackend, traceBackend } from "./backend.ts";
import { checkArray } from "./feeds.ts";
import { TF_TYPE, toTensorDType } from "./graph.ts";
import type { Graph } from "./graph.ts";
import type { GraphSession } from "./session.ts";
import { FeedError, TraceError } from "./trace-error.ts";
import type { Shape, TensorValue, TypedArray } from "./types.ts";

interface Resident {
  readonly variable: tf.Variable;
  readonly id: string;
  /** Nodes that set the variable to its start value without a feed: zeros and ones need not travel. */
  readonly fillNode: string | null;
  /** The variable's dataId while its value is in the session. */
  token: tf.DataId | null;
}

/** Below this size a feed is as cheap as a node. */
const FILL_FROM = 1024;
/** Variables from this size on, in numbers, are worth the 10 ms of a collection. */
const COLLECT_FROM = 2 ** 24;

export class Residence {
  readonly #residents: readonly Resident[];
  #session: GraphSession | null = null;

  /** Adds start nodes to the graph; the session does not exist yet. */
  constructor(graph: Graph) {
    for (const variable of graph.variables.keys())
      if (traceBackend().owned(variable.dataId) !== null)
        throw new TraceError(
          `variable '${variable.name}' lives in the session of another program: put both functions into one program, or close the other first`,
        );
    this.#residents = [...graph.variables].map(([variable, { id }]) => ({
      variable,
      id,
      fillNode: fillNode(graph, variable, id),
      token: null,
    }));
  }

  get size(): number {
    return this.#residents.length;
  }

  get shapes(): ReadonlyMap<string, Shape> {
    return new Map(
      this.#residents.map(({ variable }) => [variable.name, variable.shape]),
    );
  }

  /** Copies all values into the session and frees the eager ones. */
  async moveIn(session: GraphSession): Promise<void> {
    this.#session = session;
    if (this.#residents.length === 0) return;
    const fed = this.#residents.filter((r) => r.fillNode === null);
    const copied = this.#residents.map((r) => r.variable.dataId);
    await session.run({
      what: "initialising variables",
      feeds: fed.map((r) => feedOf(r, r.variable.dataSync())),
      targets: this.#residents.map((r) => r.fillNode ?? `${r.id}/assign`),
    });
    this.#residents.forEach(({ variable }, k) => {
      if (variable.isDisposed || variable.dataId !== copied[k])
        throw new TraceError(
          `variable '${variable.name}' was changed, or taken by another program, while its value was copied into the session`,
        );
    });
    onTraceBackend(() =>
      tf.tidy(() => {
        for (const resident of this.#residents) leaveToken(resident);
      }),
    );
    collectIfLarge(this.#residents);
  }

  /** (b) Throws if eager code has replaced or disposed a variable. */
  check(): void {
    for (const { variable, token } of this.#residents) {
      if (variable.isDisposed)
        throw new TraceError(
          `variable '${variable.name}' was disposed while it lives in the session of a program`,
        );
      if (variable.dataId !== token)
        throw new TraceError(
          `variable '${variable.name}' was assigned by eager code while it lives in the session of a program: use the program's write()`,
        );
    }
  }

  /** Values by name, in one run (c); all, or those named. */
  async read(names?: Iterable<string>): Promise<Map<string, TensorValue>> {
    const wanted =
      names === undefined ? this.#residents : this.#named([...names]);
    if (wanted.length === 0) return new Map();
    const values = await this.#open().run({
      what: "reading variables",
      fetches: wanted.map((r) => `${r.id}/out`),
    });
    return new Map(
      wanted.map((r, k) => [r.variable.name, values[k] as TensorValue]),
    );
  }

  /** Copies the named variables into shared memory, in one run (c). */
  async readInto(
    targets: ReadonlyMap<string, Uint8Array<SharedArrayBuffer>>,
  ): Promise<void> {
    if (targets.size === 0) return;
    const residents = this.#named([...targets.keys()]);
    await this.#open().run({
      what: "copying variables",
      copies: residents.map(({ variable, id }) => ({
        name: `${id}/out`,
        target: targets.get(variable.name) as Uint8Array<SharedArrayBuffer>,
      })),
    });
  }

  /** Sets the named variables in one run (c); the others keep their values. Nothing is written if one value does not fit. */
  async write(values: ReadonlyMap<string, TypedArray>): Promise<void> {
    if (values.size === 0) return;
    const residents = this.#named([...values.keys()]);
    const feeds = residents.map((r) =>
      feedOf(r, values.get(r.variable.name) as TypedArray),
    );
    await this.#open().run({
      what: "writing variables",
      feeds,
      targets: residents.map((r) => `${r.id}/assign`),
    });
  }

  /** Brings all values back into eager tensors. The session stays open for the caller to close. */
  async moveOut(): Promise<void> {
    const here = this.#residents.filter(
      ({ variable, token }) =>
        !variable.isDisposed && variable.dataId === token,
    );
    const values = await this.read(here.map(({ variable }) => variable.name));
    tf.tidy(() => {
      for (const resident of here) {
        const { variable } = resident;
        const value = values.get(variable.name);
        if (value === undefined) continue;
        // A copy: the fetched memory may be the variable's own, which goes with the session.
        const data = value.data.slice();
        variable.assign(tf.tensor(data, [...value.shape], value.dtype));
        resident.token = null;
      }
    });
    this.#session = null;
  }

  #open(): GraphSession {
    if (this.#session === null) throw new Error("the program is closed");
    return this.#session;
  }
  #named(names: readonly string[]): Resident[] {
    const byName = new Map(this.#residents.map((r) => [r.variable.name, r]));
    return names.map((name) => {
      const found = byName.get(name);
      if (found === undefined)
        throw new FeedError(
          `the program has no variable '${name}'; it has ${[...byName.keys()].join(", ") || "none"}`,
        );
      return found;
    });
  }
}

function feedOf({ variable, id }: Resident, data: TypedArray) {
  const dtype = toTensorDType(variable.dtype);
  checkArray(`variable '${variable.name}'`, variable.shape, dtype, data);
  const { shape } = variable;
  return { name: `${id}/in`, dtype: TF_TYPE[dtype], shape, data };
}

/** The values that were copied are garbage now. */
function collectIfLarge(residents: readonly Resident[]): void {
  const size = residents.reduce((sum, r) => sum + r.variable.size, 0);
  if (size >= COLLECT_FROM) collectGarbage();
}

function leaveToken(resident: Resident): void {
  const { variable } = resident;
  const token = traceBackend().symbolic({
    shape: variable.shape,
    dtype: toTensorDType(variable.dtype),
    variable,
  });
  variable.assign(token);
  resident.token = variable.dataId;
}

function fillNode(
  graph: Graph,
  variable: tf.Variable,
  id: string,
): string | null {
  if (variable.size < FILL_FROM) return null;
  const values = variable.dataSync();
  if (!values.every((v) => v === values[0])) return null;
  graph.beginFunction(`${id}/start`);
  const dtype = toTensorDType(variable.dtype);
  const value = graph.constant({ shape: variable.shape, dtype, values });
  return graph.node(
    "AssignVariableOp",
    [`${id}/handle`, value],
    { dtype: ["type", TF_TYPE[dtype]], validate_shape: ["bool", false] },
    `${id}/start`,
  );
}
