import { defineConfig } from "vitest/config";

/** Rooms without a process, a disk to speak of, or TensorFlow: seconds. */
const pure = ["base", "spec", "plan", "run", "report", "cli"].map(
  (room) => `test/${room}/**/*.test.ts`,
);
const browser = "test/report/browser.test.ts";
/** About the whole rather than a room, and slower: the command line end to end, and a real S3 server. */
const whole = ["test/e2e/**/*.test.ts", "test/store/s3-real.test.ts"];
/** Against a real Kubernetes: started by `npm run test:cluster`. */
const cluster = ["test/cluster/**/*.test.ts"];

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "pure",
          include: pure,
          exclude: [browser],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "rooms",
          include: ["test/**/*.test.ts", browser],
          exclude: [
            ...pure.filter((glob) => !glob.includes("report")),
            "test/report/**/!(browser).test.ts",
            ...whole,
            ...cluster,
          ],
          // TensorFlow's native library and worker threads do not mix with vm contexts: one process per file.
          pool: "forks",
        },
      },
      { extends: true, test: { name: "whole", include: whole, pool: "forks" } },
      {
        extends: true,
        test: {
          name: "cluster",
          include: cluster,
          pool: "forks",
          // One cluster, which some tests take parts away from.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
