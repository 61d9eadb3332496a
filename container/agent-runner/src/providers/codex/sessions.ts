import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnFailure } from '../../failure.ts';

/** What an adopted installation kept instead of an id. */
export const LAST_SESSION = 'codex-last';

const ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const SESSION_ID = new RegExp(`^${ID}$`, 'i');
/** `rollout-2026-01-31T10-20-30-<id>.jsonl` below `sessions/2026/01/31/`: the newest sorts last. */
const ROLLOUT = new RegExp(`rollout-(.+)-(${ID})\\.jsonl$`, 'i');

export interface Session {
  readonly id: string;
  /** Where Codex keeps it; undefined: no file was found. */
  readonly file: string | undefined;
}

/**
 * The session to resume; undefined: a new one.
 * @throws TurnFailure (session_lost) for what is not an id: Codex would start a new session without a word
 */
export async function sessionToResume(
  home: string,
  sessionId: string | undefined,
): Promise<Session | undefined> {
  if (sessionId === undefined) return undefined;
  if (sessionId === LAST_SESSION) return newestSession(home);
  if (SESSION_ID.test(sessionId)) return { id: sessionId, file: await sessionFile(home, sessionId) };
  throw new TurnFailure(`session not found: "${sessionId}" is not an id of a Codex session`, 'session_lost');
}

/** The file of a session; undefined: there is none. Lists all sessions: to be looked for once a turn. */
export async function sessionFile(home: string, id: string): Promise<string | undefined> {
  return (await sessions(home)).find(({ id: found }) => found === id)?.file;
}

/** `resume --last` would pass over sessions that were made under another provider's name. */
async function newestSession(home: string): Promise<Session | undefined> {
  return (await sessions(home)).sort((one, other) => (one.time < other.time ? -1 : 1)).at(-1);
}

async function sessions(home: string) {
  const names = await readdir(join(home, 'sessions'), { recursive: true }).catch((error: Error) => {
    process.stderr.write(`no Codex session is known: ${error.message}\n`);
    return [];
  });
  return names.flatMap((name) => {
    const found = ROLLOUT.exec(name);
    if (found === null) return [];
    const [, time = '', id = ''] = found;
    return [{ file: join(home, 'sessions', name), time, id: id.toLowerCase() }];
  });
}
