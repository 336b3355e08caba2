/** What a running task says of itself, and what it stands still for. */
import type { TaskProgress } from "../executor/executor.ts";

/** `loss 2.51, 640 images/s, 2:05 left, waiting for: decode (34 % of the time)`. */
export function progressDetail({
  detail,
  waiting,
}: Pick<TaskProgress, "detail" | "waiting">): string {
  if (waiting === null) return detail;
  const percent = Math.round(waiting.share * 100);
  return `${detail}, waiting for: ${waiting.for} (${percent} % of the time)`;
}
