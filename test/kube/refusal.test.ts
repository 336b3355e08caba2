import { expect, it } from "vitest";
import {
  isQuotaExceeded,
  KubeRefusal,
  toUserError,
} from "../../src/kube/refusal.ts";

const server = "https://k8s:6443";

it("a refusal is told to a person with its details and what to do", () => {
  const refusal = new KubeRefusal({
    status: 403,
    reason: "Forbidden",
    message: 'runs is forbidden: User "ann" cannot create',
    causes: ["spec.queue: not yours"],
  });
  const error = toUserError(refusal, server);
  expect(error.code).toBe("kube.forbidden");
  expect(error.message).toBe(
    'the API server at https://k8s:6443 says: runs is forbidden: User "ann" cannot create\n  spec.queue: not yours',
  );
  expect(error.hint).toContain("role");
});

it("a quota that is used up is told from a right that one has not", () => {
  const forbid = (message: string) =>
    new KubeRefusal({ status: 403, reason: "Forbidden", message });
  expect(isQuotaExceeded(forbid("exceeded quota: gpu, requested: 1"))).toBe(
    true,
  );
  expect(isQuotaExceeded(forbid("jobs.batch is forbidden"))).toBe(false);
});
