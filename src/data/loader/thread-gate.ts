/**
 * Keeps a thread from being ended while it runs native code. The JPEG library answers an end in the middle of a call by
 * aborting the whole process; so a thread passes a gate before each call, and who ends threads shuts the gates first.
 *
 * A gate is one number in shared memory: *open*, *inside* (a call is running) or *shut* (for good).
 */

const OPEN = 0;
const INSIDE = 1;
const SHUT = 2;

/** Gates for so many threads. */
export function createGates(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Runs a call behind a thread's gate; throws at one that is shut. It may not wait there for the thread's end: an end that is
 * delivered inside of one callback does not stop the next, which would then wait for good.
 */
export function passGate<T>(
  gates: SharedArrayBuffer,
  index: number,
  call: () => T,
): T {
  const states = new Int32Array(gates);
  if (Atomics.compareExchange(states, index, OPEN, INSIDE) !== OPEN)
    throw new Error("the loader is closed");
  try {
    return call();
  } finally {
    Atomics.store(states, index, OPEN);
    Atomics.notify(states, index);
  }
}

/** Shuts all gates; waits for the calls that are running, one image each. */
export function shutGates(gates: SharedArrayBuffer): void {
  const states = new Int32Array(gates);
  for (let index = 0; index < states.length; index++) {
    let found = Atomics.compareExchange(states, index, OPEN, SHUT);
    while (found === INSIDE) {
      Atomics.wait(states, index, INSIDE);
      found = Atomics.compareExchange(states, index, OPEN, SHUT);
    }
  }
}
