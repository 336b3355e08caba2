/**
 * Which of the controller's own variables its workers get as well: where the store is and how it is reached. Plain values
 * of a pod's template, which whoever may read Jobs reads; so never what is a secret by its name (I), which comes from a
 * Secret instead.
 */
import { ExitCode, UserError } from "../../base/errors.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Always, where they are set. */
const USUAL = [
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
];

/** As the chart's schema has it for `store.env`: a file that holds a token is no token. */
const SECRET = /(?:KEY|KEY_ID|SECRET|TOKEN|PASSWORD)$/i;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The variables of workers, by name.
 * @param more names besides the usual ones, separated by commas; what is not set is left out.
 */
export function chooseWorkerVariables(
  env: Variables,
  more = "",
): Readonly<Record<string, string>> {
  const given = more.split(",").map((name) => name.trim());
  const names = [...USUAL, ...given.filter((name) => name !== "")];
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined)
    throw refuse(
      `--worker-env expects names of variables separated by commas, found '${wrong}'`,
      "for example --worker-env AWS_MAX_ATTEMPTS,AWS_USE_FIPS_ENDPOINT",
    );
  const secret = names.find((name) => SECRET.test(name));
  if (secret !== undefined)
    throw refuse(
      `'${secret}' holds a secret by its name, and everybody who may read a Job reads its variables`,
      "put it into a Secret, and name that with --worker-credentials-secret",
    );
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value ? [[name, value] as const] : [];
    }),
  );
}

function refuse(message: string, hint: string): UserError {
  return new UserError({
    code: "controller.worker-env",
    message,
    hint,
    exitCode: ExitCode.usage,
  });
}
