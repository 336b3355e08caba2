/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option } from "commander";

export const storeOption = () =>
  new Option(
    "--store <url>",
    "where artifacts are: a folder, file:///path or s3://bucket/prefix",
  ).env("HUELINE_STORE");
export const outputOption = (formats: readonly string[] = ["text", "json"]) =>
  new Option("-o, --output <format>", "how to print the result")
    .choices(formats)
    .default("text");
export const graceOption = (what: string) =>
  new Option("--grace <duration>", what).env("HUELINE_GRACE").default("30s");
export const paramOption = () =>
  new Option(
    "-p, --param <name=value>",
    "override a parameter of the file (may be repeated)",
  )
    .argParser((value: string, all: readonly string[]) => [...all, value])
    .default([] as readonly string[], "none");

/** The parser of an option that takes a whole number. */
export function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
    return value;
  };
}

/** The parser of an option that takes a factor, at most 4. */
export function factorOf(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value > 0 && value <= 4))
    throw new InvalidArgumentError("Expected a number above 0, at most 4.");
  return value;
}
