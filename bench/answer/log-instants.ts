/** What the host's log tells about a run, in milliseconds since the epoch. */
export interface RunInstants {
  sandboxStarted?: number;
  firstFrame?: number;
}

const LINE = /^\[([^\]]+)\] [A-Z]+(?: \([^)]*\))?: (.*)$/;
const RUN = /^Container arguments \{.*"run":"([^"]+)"/;

/**
 * Reads the instants of each run from the text of the log. The line of the first frame names no run, because its session's
 * id must end it: it belongs to the sandbox that was started last, so turns must not have run side by side.
 */
export function readLogInstants(text: string): ReadonlyMap<string, RunInstants> {
  const runs = new Map<string, RunInstants>();
  let last: RunInstants | undefined;
  for (const line of text.split('\n')) {
    const [, time = '', message = ''] = LINE.exec(line) ?? [];
    const run = RUN.exec(message)?.[1];
    if (run !== undefined) {
      last = { sandboxStarted: Date.parse(time) };
      runs.set(run, last);
    } else if (message.startsWith('Session initialized: ') && last !== undefined) {
      last.firstFrame ??= Date.parse(time);
    }
  }
  return runs;
}
