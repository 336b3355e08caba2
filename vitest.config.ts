import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // TensorFlow's native library and worker threads do not mix with vm contexts: one process per file.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});
