/** Every network that a pipeline can name. A new one is one more declaration; the compiler asks for its entry here. */
import type { ModelName } from "../spec/params/params-common.ts";
import type { Network } from "./network.ts";
import { conv6 } from "./networks/conv6.ts";

export const networks: Readonly<Record<ModelName, Network>> = { conv6 };
