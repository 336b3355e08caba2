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
/** Of these, what would be in the way of the others. */
const alone = [
  "test/cluster/outages.test.ts",
  // Its controller looks after every namespace.
  "test/cluster/cluster-wide.test.ts",
];
/** Each file has a namespace of its own; much of their time is waiting. */
const inCluster = {
  pool: "forks",
  testTimeout: 300_000,
  hookTimeout: 300_000,
} as const;

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
          ...inCluster,
          name: "cluster",
          include: cluster,
          exclude: alone,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...inCluster,
          name: "cluster-alone",
          include: alone,
          fileParallelism: false,
          // After the others.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
