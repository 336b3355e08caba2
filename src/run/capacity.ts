/**
 * What fits on an executor beside what runs there. Figures are those that tasks declare.
 *
 * A task that asks for more cores than there are runs alone, only slower; one that asks for more memory or GPUs
 * than there are can never run, and says so at once instead of waiting for ever.
 */
import type { Resources } from "../plan/plan.ts";
import type { Observation } from "./observation.ts";

export type Capacity = Observation["capacity"];

export type Room = {
  /** Takes the room of something that already runs. */
  occupy(resources: Resources): void;
  /** Takes the room if there is enough; says whether it did. */
  admit(resources: Resources): boolean;
};

/** @param capacity null: the executor queues by itself, everything is admitted. */
export function createRoom(capacity: Capacity): Room {
  const used = { cpu: 0, memoryBytes: 0, gpu: 0 };
  let occupants = 0;
  const occupy = (resources: Resources): void => {
    occupants++;
    used.cpu += resources.cpu;
    used.memoryBytes += resources.memoryBytes;
    used.gpu += resources.gpu;
  };
  const fits = ({ cpu, memoryBytes, gpu }: Resources): boolean =>
    capacity === null ||
    ((occupants === 0 || used.cpu + cpu <= capacity.cpu) &&
      used.memoryBytes + memoryBytes <= capacity.memoryBytes &&
      used.gpu + gpu <= capacity.gpu);
  return {
    occupy,
    admit(resources) {
      if (!fits(resources)) return false;
      occupy(resources);
      return true;
    },
  };
}

/** Why a task can never run here, with the figures; null: it can. */
export function explainTooLarge(
  resources: Resources,
  capacity: Capacity,
): string | null {
  if (capacity === null) return null;
  if (resources.memoryBytes > capacity.memoryBytes)
    return `declares ${gibibytes(resources.memoryBytes)} of memory, but there are ${gibibytes(capacity.memoryBytes)} here; lower 'resources.memory' of the stage, or run it on a larger machine`;
  if (resources.gpu > capacity.gpu)
    return `declares ${resources.gpu} GPUs, but there are ${capacity.gpu} here; lower 'resources.gpu' of the stage, or run it on another machine`;
  return null;
}

/** `1.5 GiB`. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
