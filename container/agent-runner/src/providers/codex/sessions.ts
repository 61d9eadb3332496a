import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnFailure } from '../../failure.ts';

/** What an adopted installation kept instead of an id. */
export const LAST_SESSION = 'codex-last';

const ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const SESSION_ID = new RegExp(`^${ID}$`, 'i');
/** `rollout-2026-01-31T10-20-30-<id>.jsonl` below `sessions/2026/01/31/`: the newest sorts last. */
const ROLLOUT = new RegExp(`rollout-(.+)-(${ID})\\.jsonl$`, 'i');

/**
 * The id of the session to resume; undefined: a new one.
 * @throws TurnFailure (session_lost) for what is no id: Codex would quietly begin anew
 */
export async function sessionToResume(
  home: string,
  sessionId: string | undefined,
): Promise<string | undefined> {
  if (sessionId === undefined) return undefined;
  if (sessionId === LAST_SESSION) return newestSession(home);
  if (SESSION_ID.test(sessionId)) return sessionId;
  throw new TurnFailure(`session not found: "${sessionId}" is no id of a Codex session`, 'session_lost');
}

/** The file of a session; undefined: there is none. */
export async function sessionFile(home: string, id: string): Promise<string | undefined> {
  const name = (await rollouts(home)).find(({ id: found }) => found === id)?.name;
  return name === undefined ? undefined : join(home, 'sessions', name);
}

/** `resume --last` would pass over sessions that were made under another provider's name. */
async function newestSession(home: string): Promise<string | undefined> {
  return (await rollouts(home)).sort((one, other) => (one.time < other.time ? -1 : 1)).at(-1)?.id;
}

async function rollouts(home: string) {
  const names = await readdir(join(home, 'sessions'), { recursive: true }).catch((error: Error) => {
    process.stderr.write(`no Codex session is known: ${error.message}\n`);
    return [];
  });
  return names.flatMap((name) => {
    const found = ROLLOUT.exec(name);
    return found === null ? [] : [{ name, time: found[1] ?? '', id: (found[2] ?? '').toLowerCase() }];
  });
}
