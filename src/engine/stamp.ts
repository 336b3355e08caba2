/**
 * The stamp of an engine directory: what the engine was built from, and each of its files with size and SHA-256.
 *
 * Written last by `npm run engine`, read by everybody who asks whether an engine is complete. A text that is not a stamp
 * is treated as none: a machine writes it, so a list of its mistakes would help nobody.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../base/errors.ts";

export const stampName = "engine.json";

export type EngineVariant = "cpu" | "cuda";
export type EnginePlatform = "linux-x64" | "linux-arm64";

export type EngineFile = {
  readonly sizeBytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
};

export type EngineStamp = {
  readonly format: 1;
  readonly recipe: string;
  readonly tensorflow: string;
  readonly tfjs: string;
  readonly variant: EngineVariant;
  readonly platform: EnginePlatform;
  /** Names the wheels that the libraries come from, and how they were unpacked. */
  readonly libraries: string;
  /** Path below the engine directory → what it must be. */
  readonly files: Readonly<Record<string, EngineFile>>;
};

/** The stamp in `directory`; null where there is none or where it is not one. */
export function readStamp(directory: string): EngineStamp | null {
  let text: string;
  try {
    text = readFileSync(join(directory, stampName), "utf8");
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw thrown;
  }
  return parseStamp(text);
}

function parseStamp(text: string): EngineStamp | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
  return isStamp(value) ? value : null;
}

function isStamp(value: unknown): value is EngineStamp {
  if (!isRecord(value) || value["format"] !== 1) return false;
  const texts = ["recipe", "tensorflow", "tfjs", "libraries"];
  return (
    texts.every((key) => typeof value[key] === "string") &&
    ["cpu", "cuda"].some((variant) => variant === value["variant"]) &&
    ["linux-x64", "linux-arm64"].some((name) => name === value["platform"]) &&
    isRecord(value["files"]) &&
    Object.entries(value["files"]).every(
      ([path, file]) => staysBelow(path) && isFile(file),
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFile(value: unknown): value is EngineFile {
  return (
    isRecord(value) &&
    typeof value["sizeBytes"] === "number" &&
    typeof value["sha256"] === "string"
  );
}

/** A path that names nothing outside the engine directory. */
function staysBelow(path: string): boolean {
  return !path.startsWith("/") && !path.split("/").includes("..");
}
