/** What came of thousands of operations: how many, how many failed and how, and everything that must not happen. */
import { TransientError, UserError } from "../../../src/base/errors.ts";

export type Tally = ReturnType<typeof createTally>;

/**
 * The errors that a network can cause. Each may pass: on a server that is sound but for its network, nothing is a
 * person's to mend.
 */
const known =
  /^store\.(5\d\d|baddigest|busy|conditionalrequestconflict|econnreset|epipe|etimedout|internalerror|log-busy|network|requesttimeout|serviceunavailable|slowdown|timeouterror|unusableanswer|xamzcontentsha256mismatch)$/;

export function createTally() {
  const operations = new Map<string, number>();
  const errors = new Map<string, number>();
  const findings: string[] = [];
  const count = (counts: Map<string, number>, what: string): void =>
    void counts.set(what, (counts.get(what) ?? 0) + 1);

  return {
    operations,
    /** By code. */
    errors,
    /** Empty, or the store is at fault. */
    findings,
    find(problem: string | null, where: string): void {
      if (problem !== null) findings.push(`${where}: ${problem}`);
    },
    /** Runs one operation; null: it failed, as operations may. */
    async attempt<T>(
      name: string,
      run: () => Promise<T>,
    ): Promise<{ readonly value: T } | null> {
      count(operations, name);
      try {
        return { value: await run() };
      } catch (thrown) {
        const isOurs =
          thrown instanceof TransientError || thrown instanceof UserError;
        const code = isOurs ? thrown.code : "bug";
        count(errors, code);
        if (!(thrown instanceof TransientError) || !known.test(code))
          findings.push(
            `${name}: not an error of the network: ${String(thrown)}`,
          );
        return null;
      }
    },
  };
}
