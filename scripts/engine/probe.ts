/**
 * Proves that an engine works: loads it in this process, computes one gradient through TensorFlow.js and runs one graph
 * through the session addon. A process of its own, because a library that does not fit may end it.
 *
 * Usage: node scripts/engine/probe.ts <engine directory>; prints one line of JSON.
 */
import type { Rank, Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { toError, UserError } from "../../src/base/errors.ts";
import { graphDef } from "../../src/engine/graph/proto.ts";
import { loadEngine, type Engine } from "../../src/engine/native.ts";

/** TensorFlow's number of the type float32. */
const FLOAT = 1;

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("expected an engine directory");
try {
  const engine = loadEngine({ directory, threads: 1 });
  checkGradient(engine);
  await checkSession(engine);
  process.stdout.write(`${JSON.stringify(engine.info)}\n`);
} catch (thrown) {
  // The reader is the builder, which shows the last lines: the message must be among them.
  const { message, stack } = toError(thrown);
  process.stderr.write(thrown instanceof UserError ? message : `${stack}`);
  process.exitCode = 1;
}

/** d/dw of the sum of a VALID convolution of ones [1,5,5,2] with w [3,3,2,4] counts its nine positions. */
function checkGradient({ tf }: Engine): void {
  const gradient = tf.tidy(() => {
    const images_NHWC = tf.ones<Rank.R4>([1, 5, 5, 2]);
    const positions = (filter: Tensor): Tensor =>
      tf.sum(tf.conv2d(images_NHWC, filter as Tensor4D, 1, "valid"));
    return tf
      .grad(positions)(tf.ones([3, 3, 2, 4]))
      .dataSync();
  });
  if (gradient.length !== 72 || gradient.some((value) => value !== 9))
    throw new Error(`wrong gradient: ${gradient.slice(0, 8).join(", ")}, …`);
}

/** Feeds [1, 2.5] to Neg and expects [-1, -2.5]. */
async function checkSession({ session }: Engine): Promise<void> {
  const graph = graphDef([
    {
      name: "x",
      op: "Placeholder",
      inputs: [],
      attributes: { dtype: ["type", FLOAT] },
    },
    { name: "y", op: "Neg", inputs: ["x"], attributes: { T: ["type", FLOAT] } },
  ]);
  const opened = session.newSession(graph, null, "");
  const [result] = await session.run(opened, {
    feeds: [
      { name: "x", dtype: FLOAT, shape: [2], data: Float32Array.of(1, 2.5) },
    ],
    fetches: ["y"],
    targets: [],
  });
  session.closeSession(opened);
  const values = [...new Float32Array(result?.data ?? new ArrayBuffer(0))];
  if (values.join() !== "-1,-2.5")
    throw new Error(`wrong session result: ${values.join(", ")}`);
}
