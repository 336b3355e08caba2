/**
 * Collects garbage now. V8 sees no reason to by itself after a process has let go of a gigabyte of typed arrays and then allocates
 * nothing more, as a training does once its weights are in the session: they would stay to its end.
 */
import v8 from "node:v8";
import vm from "node:vm";

export function collectGarbage(): void {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
}
