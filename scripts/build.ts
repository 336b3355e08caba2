/** `npm run build`: JavaScript of `src/` in `dist/`, for the package and the image. TypeScript runs as it is everywhere else. */
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
chmodSync("dist/main.js", 0o755);
