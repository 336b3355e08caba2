import { expect, test } from "vitest";
import { judgeFindings } from "../../scripts/manifests/findings.ts";

const finding = (rule: string, object: string) => ({
  rule,
  object,
  message: "as the scanner says it",
});

test("a finding is explained by its rule and the beginning of its object's name, and by both alone", () => {
  const accepted = [
    { rule: "cpu", of: ["Job", "Deployment"], reason: "shared" },
    { rule: "gone", of: ["Job"], reason: "was so once" },
  ];
  const findings = [
    finding("cpu", "Job study"),
    finding("cpu", "Pod study"),
    finding("root", "Job study"),
  ];
  expect(judgeFindings(findings, accepted)).toEqual({
    unexplained: [finding("cpu", "Pod study"), finding("root", "Job study")],
    stale: [accepted[1]],
  });
});
