/**
 * One TensorFlow session over one graph: typed runs, errors in this project's terms.
 *
 * (a) Errors name what was being run. Time-outs and lost peers are transient, lack of memory is the user's to mend, the rest are bugs.
 */
import { TransientError, UserError, toError } from "../../base/errors.ts";
import type {
  NativeSession,
  SessionAddon,
  SessionCopy,
  SessionFeed,
  SessionResult,
} from "../session-addon.ts";
import { configProto, graphDef, runOptionsProto } from "./proto.ts";
import type { NodeDef } from "./proto.ts";
import type {
  RunOptions,
  SessionOptions,
  TensorDType,
  TensorValue,
  TypedArray,
} from "./types.ts";

export interface GraphRequest {
  /** Named in errors. */
  readonly what: string;
  readonly feeds?: readonly SessionFeed[];
  readonly fetches?: readonly string[];
  readonly targets?: readonly string[];
  readonly copies?: readonly SessionCopy[];
  readonly options?: RunOptions;
}

export class GraphSession {
  readonly graphBytes: number;
  readonly #addon: SessionAddon;
  readonly #session: NativeSession;

  constructor(
    addon: SessionAddon,
    nodes: readonly NodeDef[],
    options: SessionOptions,
  ) {
    const graph = graphDef(nodes);
    this.#addon = addon;
    this.graphBytes = graph.length;
    try {
      this.#session = addon.newSession(graph, configProto(options), "");
    } catch (thrown) {
      throw toRunError("loading the compiled graph", thrown);
    }
  }
  /** One TF_SessionRun. The values of fetches that read variables are snapshots: never write into them. */
  async run(request: GraphRequest): Promise<TensorValue[]> {
    const { what, feeds = [], fetches = [], targets = [] } = request;
    const options = request.options ?? {};
    try {
      const results = await this.#addon.run(this.#session, {
        feeds,
        fetches,
        targets,
        copies: request.copies,
        options: runOptionsProto(options),
        metadata: options.onMetadata !== undefined,
      });
      if (results.metadata !== undefined)
        options.onMetadata?.(results.metadata);
      return results.map(toTensorValue);
    } catch (thrown) {
      throw toRunError(what, thrown);
    }
  }
  close(): void {
    this.#addon.closeSession(this.#session);
  }
}

const DTYPES: Readonly<Record<number, TensorDType>> = {
  1: "float32",
  3: "int32",
  10: "bool",
};
function toTensorValue({ data, shape, dtype }: SessionResult): TensorValue {
  const known = DTYPES[dtype];
  if (known === undefined)
    throw new Error(`a result has TensorFlow's type ${dtype}`);
  return { data: toTyped(data, known), shape, dtype: known };
}
function toTyped(data: ArrayBuffer, dtype: TensorDType): TypedArray {
  if (dtype === "float32") return new Float32Array(data);
  if (dtype === "int32") return new Int32Array(data);
  return new Uint8Array(data);
}

/** TensorFlow's status codes that are not bugs of the program. */
const CANCELLED = "TF1";
const DEADLINE_EXCEEDED = "TF4";
const RESOURCE_EXHAUSTED = "TF8";
const UNAVAILABLE = "TF14";

function toRunError(what: string, thrown: unknown): Error {
  const cause = toError(thrown);
  const code = "code" in cause ? cause.code : null;
  const message = `${what}: ${cause.message}`;
  switch (code) {
    case DEADLINE_EXCEEDED:
      return new TransientError({ code: "engine.timeout", message, cause });
    case CANCELLED:
    case UNAVAILABLE:
      return new TransientError({ code: "engine.unavailable", message, cause });
    case RESOURCE_EXHAUSTED:
      return new UserError({
        code: "engine.out-of-memory",
        message,
        hint: "use a smaller batch, recompute activations, or a machine with more memory",
        cause,
      });
    default:
      return new Error(message, { cause });
  }
}
