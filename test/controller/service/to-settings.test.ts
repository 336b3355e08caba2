import { describe, expect, it } from "vitest";
import {
  toSettings,
  type ControllerRequest,
} from "../../../src/controller/service/to-settings.ts";

const request: ControllerRequest = {
  storeUrl: "s3://bucket",
  leases: true,
  identity: "pod-a",
  image: "hueline:1",
  workers: 4,
  metricsPort: 9090,
  metricsHost: "127.0.0.1",
  limits: [],
};
const around = { ownNamespace: "team", env: {} };

describe("toSettings", () => {
  it("looks after its own namespace unless it is told another one, or all", () => {
    expect(toSettings(request, around).namespace).toBe("team");
    const all = toSettings({ ...request, namespace: "" }, around);
    expect(all).toMatchObject({
      namespace: null,
      sharing: { namespace: "team" },
    });
    expect(toSettings({ ...request, leases: false }, around).sharing).toBe(
      null,
    );
  });

  it("tells pods where the store is, and never its keys", () => {
    const env = {
      AWS_REGION: "lab-1",
      AWS_ENDPOINT_URL_S3: "http://s3",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    expect(toSettings(request, { ...around, env }).pods.env).toEqual({
      AWS_REGION: "lab-1",
      AWS_ENDPOINT_URL_S3: "http://s3",
    });
  });

  it("changes limits by their names, and says the names to who has another one", () => {
    const limits = ["lookEveryMs=500", "shards=2", "maxPack=7"];
    expect(toSettings({ ...request, limits }, around)).toMatchObject({
      limits: { lookEveryMs: 500, stepGapMs: 50, workers: 4 },
      sharing: { shards: 2 },
      executor: { maxPack: 7 },
    });
    for (const wrong of ["lookEvery=1", "shards=", "shards=many"])
      expect(() => toSettings({ ...request, limits: [wrong] }, around)).toThrow(
        `found '${wrong}'`,
      );
  });
});
