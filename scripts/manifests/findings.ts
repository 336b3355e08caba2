/**
 * What scanners find in manifests, beside what is accepted with a reason. Pure. A finding that nobody has explained is one to
 * mend or to explain; an explanation of what is found no more is one to take away.
 */

export type Finding = {
  /** The rule, by the scanner's own name for it: `checkov CKV_K8S_11`. */
  readonly rule: string;
  /** `Deployment study-hueline-controller`. */
  readonly object: string;
  /** In the scanner's words. */
  readonly message: string;
};

export type Accepted = {
  readonly rule: string;
  /** The beginnings of the objects' names that it is accepted of: `Job`, `Deployment`. */
  readonly of: readonly string[];
  readonly reason: string;
};

export type Judgement = {
  readonly unexplained: readonly Finding[];
  /** Accepted, and found nowhere. */
  readonly stale: readonly Accepted[];
};

export function judgeFindings(
  findings: readonly Finding[],
  accepted: readonly Accepted[],
): Judgement {
  const covers = ({ rule, of }: Accepted, finding: Finding): boolean =>
    rule === finding.rule && of.some((name) => finding.object.startsWith(name));
  return {
    unexplained: findings.filter(
      (finding) => !accepted.some((entry) => covers(entry, finding)),
    ),
    stale: accepted.filter(
      (entry) => !findings.some((finding) => covers(entry, finding)),
    ),
  };
}
