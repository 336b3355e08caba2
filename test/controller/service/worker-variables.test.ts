import { describe, expect, it } from "vitest";
import { chooseWorkerVariables } from "../../../src/controller/service/worker-variables.ts";

const env = {
  AWS_REGION: "lab-1",
  AWS_MAX_ATTEMPTS: "6",
  AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token",
  AWS_SECRET_ACCESS_KEY: "secret",
  EMPTY: "",
};

describe("chooseWorkerVariables", () => {
  it.each([
    { more: undefined, want: { AWS_REGION: "lab-1" } },
    {
      more: "AWS_MAX_ATTEMPTS, AWS_WEB_IDENTITY_TOKEN_FILE",
      want: {
        AWS_REGION: "lab-1",
        AWS_MAX_ATTEMPTS: "6",
        AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token",
      },
    },
    { more: "EMPTY,NOT_THERE,", want: { AWS_REGION: "lab-1" } },
  ])("gives what is set of the usual ones and of '$more'", ({ more, want }) => {
    expect(chooseWorkerVariables(env, more)).toEqual(want);
  });

  it.each([
    ["AWS_SECRET_ACCESS_KEY", "holds a secret by its name"],
    ["AWS_ACCESS_KEY_ID", "holds a secret by its name"],
    ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "holds a secret by its name"],
    ["db_password", "holds a secret by its name"],
    ["AWS REGION", "expects names of variables"],
  ])("refuses '%s', whatever its value", (name, wanted) => {
    expect(() => chooseWorkerVariables({}, name)).toThrow(wanted);
  });
});
