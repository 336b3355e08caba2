/**
 * What fits on an executor beside what runs there. Figures are those that tasks declare.
 *
 * A task that asks for more cores than there are runs alone, only slower; one that asks for more memory or GPUs
 * than there are can never run, and says so at once instead of waiting for ever.
 *
 * Tasks come in the order of their claim to room. One that does not fit lets those behind it pass while something before
 * it has its room: a long training on one core must not leave the others idle.
 * N1 Once only tasks behind it are in its way, its room counts as taken, and they run out. So it starts at the latest
 *    when everything has ended that ran when the last one before it ended: whoever passed it, passed it once.
 */
import type { Resources } from "../plan/plan.ts";
import type { Observation } from "./observation.ts";

export type Capacity = Observation["capacity"];

/** Who is in it, with the sums of what they declare. */
type Occupied = Resources & { readonly tasks: number };

export type Room = {
  /** The next in order runs already. */
  pass(resources: Resources): void;
  /** The next in order is ready: takes the room if there is enough, and says whether it did. */
  admit(resources: Resources): boolean;
};

/**
 * @param capacity null: the executor queues by itself, everything is admitted.
 * @param running what all tasks that run declare, whatever their place in the order.
 */
export function createRoom(
  capacity: Capacity,
  running: readonly Resources[],
): Room {
  const nothing = { tasks: 0, cpu: 0, memoryBytes: 0, gpu: 0 };
  let taken = running.reduce<Occupied>(add, nothing);
  /** By those that came so far. */
  let before: Occupied = nothing;
  return {
    pass(resources) {
      before = add(before, resources);
    },
    admit(resources) {
      const isAdmitted = fits(resources, taken, capacity);
      // N1
      if (!isAdmitted && !fits(resources, before, capacity)) return false;
      taken = add(taken, resources);
      before = add(before, resources);
      return isAdmitted;
    },
  };
}

function add(occupied: Occupied, resources: Resources): Occupied {
  return {
    tasks: occupied.tasks + 1,
    cpu: occupied.cpu + resources.cpu,
    memoryBytes: occupied.memoryBytes + resources.memoryBytes,
    gpu: occupied.gpu + resources.gpu,
  };
}

/** Who wants no GPU does not mind that others wait for one. */
function fits(
  { cpu, memoryBytes, gpu }: Resources,
  occupied: Occupied,
  capacity: Capacity,
): boolean {
  return (
    capacity === null ||
    ((occupied.tasks === 0 || occupied.cpu + cpu <= capacity.cpu) &&
      occupied.memoryBytes + memoryBytes <= capacity.memoryBytes &&
      (gpu === 0 || occupied.gpu + gpu <= capacity.gpu))
  );
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
