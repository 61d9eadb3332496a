/**
 * The words by which the agents' programs say that the session to be resumed is gone or broken. Nothing else is in here: an error
 * of the network or of the model's service never costs a session.
 */
const STALE = [
  /no conversation found/i,
  // As v1 took it: `session <id> not found`, `Session ID … was not found`.
  /\bsession[^\n]*\bnot found\b/i,
  /no rollout found for thread id/,
  /ENOENT\b[^\n]*\.jsonl\b/,
  /Expecting value: line 1 column 1/,
] as const;

/** A status of HTTP: what comes with it are the words of a service, or of whatever stands before it. */
const STATUS = /(?:^|\b(?:status|http(?:\/[\d.]+)?|error|code)\W{1,3})[45]\d\d\b/im;

/** Whether an error tells of a session that cannot be resumed. */
export function isStaleSession(error: string): boolean {
  return !STATUS.test(error) && STALE.some((pattern) => pattern.test(error));
}
