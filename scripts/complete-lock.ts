/**
 * `npm run lock`: completes package-lock.json with the platform packages that a partial mirror of the registry does
 * not carry. npm drops an optional package that it cannot fetch from the lock file, and then refuses that lock file
 * in `npm ci`. A package for another platform is never fetched, so its name, version, os and cpu are all it takes.
 */
import { readFileSync, writeFileSync } from "node:fs";

type LockEntry = {
  readonly version?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type Lock = { packages: Record<string, LockEntry> };

const SYSTEMS = /(android|darwin|freebsd|linux|openharmony|win32)/;
const PROCESSORS = /-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?=-|$)/;

const file = "package-lock.json";
const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
const added: string[] = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(
    entry.optionalDependencies ?? {},
  )) {
    const place = `node_modules/${name}`;
    const system = SYSTEMS.exec(name)?.[1];
    const processor = PROCESSORS.exec(name)?.[1];
    const libc = /-(gnu|musl)/.exec(name)?.[1];
    const isExact = /^\d+\.\d+\.\d+/.test(version);
    if (place in lock.packages || !system || !processor || !isExact) continue;
    lock.packages[place] = {
      version,
      ...(entry.dev === true && { dev: true }),
      optional: true,
      os: [system],
      cpu: [processor],
      ...(libc && { libc: [libc === "musl" ? "musl" : "glibc"] }),
    };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(
  added.length === 0
    ? `${file} is complete`
    : `${file}: added ${added.length} packages of other platforms`,
);
