/** A Run as it is sent to the server, which makes the end of its name where none was chosen. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { resources } from "../../kube/kube.ts";
import type { Run, RunSpec } from "../../resources/run-resource.ts";

/** The server adds five characters; what is made of a Run gets longer names. */
const MAX_NAME = 52;
const MADE_CHARACTERS = 5;

/** Suspended: nothing starts before somebody has agreed to its receipt. */
export function createRunObject(options: {
  readonly name: string | undefined;
  readonly pipelineName: string;
  readonly namespace: string;
  readonly spec: RunSpec;
}): Run {
  const { name, pipelineName, namespace, spec } = options;
  if (name !== undefined) checkName(name);
  const start = pipelineName
    .slice(0, MAX_NAME - MADE_CHARACTERS - 1)
    .replace(/[-.]+$/, "");
  const { apiVersion, kind } = resources.run;
  const metadata = {
    ...(name === undefined ? { generateName: `${start}-` } : { name }),
    namespace,
  };
  return {
    apiVersion,
    kind,
    metadata,
    spec: { ...spec, suspend: true },
  } as unknown as Run;
}

/** Names of Jobs and pods begin with it. */
export function checkName(name: string): void {
  if (name.length <= MAX_NAME && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    return;
  throw new UserError({
    code: "cli.option",
    message: `expected a name of at most ${MAX_NAME} lower-case letters, digits and hyphens, which begins and ends with a letter or digit; found '${name}'`,
    exitCode: ExitCode.usage,
  });
}
