import { describe, expect, it, onTestFinished } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { createHealth } from "../../../src/controller/service/health.ts";
import { serveHttp } from "../../../src/controller/service/http.ts";
import { createMetrics } from "../../../src/controller/service/metrics.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { createManualClock } from "../../support/manual-clock.ts";

async function arrange() {
  const clock = createManualClock();
  const world = {
    isSynced: true,
    silentMs: 0,
    isStoreDown: false,
    turnSinceMs: null as number | null,
  };
  const error = new TransientError({ code: "store.down", message: "is down" });
  const metrics = createMetrics();
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    metrics,
    ...createHealth({
      clock,
      limits: { silenceMs: 1000, hangMs: 5000 },
      store: createFaultyStore(createMemoryStore(), () =>
        world.isStoreDown ? { when: "before", error } : null,
      ),
      isSynced: () => world.isSynced,
      silentMs: () => world.silentMs,
      longestTurn: () =>
        world.turnSinceMs === null
          ? null
          : { key: "run/team/a", sinceMs: world.turnSinceMs },
    }),
  });
  onTestFinished(() => server.close());
  const ask = async (path: string) => {
    const response = await fetch(`${server.url}${path}`);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  return { world, clock, metrics, ask };
}

describe("what probes are told", () => {
  it("is healthy until a turn hangs", async () => {
    const { world, clock, ask } = await arrange();
    expect(await ask("/healthz")).toBe("200 ok");
    world.turnSinceMs = clock.monotonicMs();
    clock.advance(6000);
    expect(await ask("/healthz")).toBe(
      "503 a turn of run/team/a has gone on for 6 s",
    );
  });

  it("is ready when everything was listed, the server speaks and the store answers", async () => {
    const { world, ask } = await arrange();
    world.isSynced = false;
    expect(await ask("/readyz")).toBe("503 the first lists are not complete");
    world.isSynced = true;
    world.silentMs = 2000;
    expect(await ask("/readyz")).toContain("503 nothing was heard");
    world.silentMs = 0;
    world.isStoreDown = true;
    expect(await ask("/readyz")).toBe("503 the store does not answer: is down");
    world.isStoreDown = false;
    expect(await ask("/readyz")).toBe("200 ok");
    expect(await ask("/else")).toContain("404");
  });

  it("serves what is measured, with gauges as they are at that moment", async () => {
    const { metrics, ask } = await arrange();
    let depth = 3;
    metrics.observe({
      queueDepth: () => depth,
      leasesHeld: () => 8,
      runsByPhase: () => ({ Running: 2 }),
      tasksByPhase: () => ({}),
    });
    metrics.step("run", 0.02);
    metrics.request({ verb: "list", code: "200", seconds: 0.01 });
    expect(await ask("/metrics")).toContain("hueline_controller_queue_depth 3");
    depth = 0;
    const text = await ask("/metrics");
    expect(text).toContain("hueline_controller_queue_depth 0");
    expect(text).toContain('hueline_runs{phase="Running"} 2');
    expect(text).toContain(
      'hueline_kube_request_seconds_count{verb="list",code="200"} 1',
    );
    expect(text).toContain("process_resident_memory_bytes");
  });
});
