/**
 * The words by which the agents' programs say that the session to be resumed is gone or broken. Nothing else is in here: an error
 * of the network or of the model's service never costs a session.
 */
const STALE = [
  /no conversation found/i,
  /session not found/i,
  /no rollout found/i,
  /ENOENT[^\n]*\.jsonl/,
  /Expecting value: line 1 column 1/,
] as const;

/** Whether an error tells of a session that cannot be resumed. */
export function isStaleSession(error: string): boolean {
  return STALE.some((pattern) => pattern.test(error));
}
