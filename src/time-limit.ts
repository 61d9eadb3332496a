/** A signal with an end of its own. */
export interface TimeLimit {
  /** Aborts with the signal that it was made of, or when the time is over. */
  readonly signal: AbortSignal;
  /** To be called when what was limited is over. */
  clear(): void;
}

/**
 * Limits what a signal bounds by a time as well. A timer of ours holds it: `AbortSignal.timeout()` within `AbortSignal.any()` can be
 * collected as garbage before it fires (Node.js issue 57736).
 * @param ms milliseconds
 */
export function timeLimit(signal: AbortSignal, ms: number): TimeLimit {
  const limit = new AbortController();
  const end = () => limit.abort(signal.reason);
  const timer = setTimeout(
    () => limit.abort(new DOMException(`took longer than ${ms} ms`, 'TimeoutError')),
    ms,
  );
  // It keeps no process alive, as a timer of AbortSignal's would not.
  timer.unref();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return {
    signal: limit.signal,
    clear: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    },
  };
}
