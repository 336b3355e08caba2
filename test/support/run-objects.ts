/** Run objects for tests, as a server would answer them. */
import type { Run, RunSpec } from "../../src/resources/run-resource.ts";

export const RUN_UID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";

export function buildRun(
  options: {
    readonly name?: string;
    readonly uid?: string;
    readonly spec?: Partial<RunSpec>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly status?: Run["status"];
    readonly createdAt?: string;
  } = {},
): Run {
  return {
    apiVersion: "hueline.dev/v1alpha1",
    kind: "Run",
    metadata: {
      name: options.name ?? "tiny",
      namespace: "team",
      uid: options.uid ?? RUN_UID,
      generation: 1,
      creationTimestamp: options.createdAt ?? "2026-01-01T00:00:00Z",
      ...(options.annotations === undefined
        ? {}
        : { annotations: options.annotations }),
    },
    spec: { pipeline: "name: tiny\n", ...options.spec },
    ...(options.status === undefined ? {} : { status: options.status }),
  };
}
