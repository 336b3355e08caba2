/**
 * Which convolutions of an encoder a fine-tuning leaves as they are (paper, Table 6): none, all, or those before a layer. Pure.
 *
 * What is trained is always the upper end of the network, so that no gradient passes through what stays as it is.
 */
import { UserError } from "../../base/errors.ts";
import {
  convolutionsByLayer,
  INPUT,
  type Network,
} from "../../model/network.ts";

/** Names of the convolutions that stay. @throws UserError `finetune.unknown-layer` */
export function frozenConvolutions(
  network: Network,
  trainFrom: string,
): ReadonlySet<string> {
  if (trainFrom === "all") return new Set();
  const layers = convolutionsByLayer(network);
  const wanted = network.aliases?.[trainFrom] ?? trainFrom;
  const end =
    trainFrom === "none"
      ? layers.length
      : layers.findIndex(({ layer }) => layer === wanted && layer !== INPUT);
  if (end < 0) throw unknownLayer(network, trainFrom);
  const before = layers.slice(0, end);
  return new Set(before.flatMap(({ convolutions }) => convolutions));
}

function unknownLayer(network: Network, trainFrom: string): UserError {
  const names = network.layers.map(({ name }) => name);
  return new UserError({
    code: "finetune.unknown-layer",
    message: `expected trainFrom to be all, none or a layer of the network; found '${trainFrom}'`,
    hint: `its layers are ${names.join(", ")}`,
  });
}
