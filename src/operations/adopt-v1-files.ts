import { constants } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseInstant } from '../clock.ts';
import { checkFolderName, FolderNameError, MAIN_FOLDER } from '../groups/folder-name.ts';
import { handWritten } from '../hand-written.ts';
import type { Log } from '../log.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { isFolderName } from '../protocol/layout.ts';
import type { ContainerConfig } from '../protocol/mailbox.ts';
import { replaceFile } from '../replace-file.ts';
import type { Store } from '../store/store.ts';

/**
 * What early NanoClaw v1 kept as JSON below `data/`, and the memories that it kept under another name. The files are
 * read once and left where they are.
 */

const Group = z.object({
  name: z.string(),
  folder: z.string(),
  trigger: z.string(),
  added_at: z.string().optional(),
  requiresTrigger: z.boolean().optional(),
  // As an operator wrote it: what cannot be used of it is reported when the group is there.
  containerConfig: z
    .custom<ContainerConfig>((value) => typeof value === 'object' && value !== null)
    .optional(),
});
const RouterState = z.object({ last_agent_timestamp: z.record(z.string(), z.unknown()).default({}) });

/** Codex had no session ids then: this mark meant its newest one. */
export const CODEX_MARK = 'codex-last';

/**
 * Takes over groups, sessions and cursors of a v1 checkout, each file once in the life of a database.
 * What cannot be understood is told in the log and left for a person to look at; a file that does not parse is tried again
 * at the next start.
 */
export async function adoptV1Files(store: Store, paths: Paths, log: Log, now: number): Promise<void> {
  const adopt = async (name: string, take: (content: unknown) => void): Promise<void> => {
    if (store.state.get(`adopted:${name}`) !== undefined) return;
    const content = await readJson(join(paths.data, name), log);
    if (content === undefined) return;
    store.transaction(() => {
      take(content);
      store.state.set(`adopted:${name}`, new Date(now).toISOString());
    });
    log.info({ file: name }, 'Took over a file of NanoClaw v1');
  };
  await adopt('registered_groups.json', (content) => {
    for (const [jid, entry] of entriesOf(content)) adoptGroup(store, jid, entry, log, now);
    // A database of that age had no groups when it was imported.
    store.messages.adoptCallsAndAnswers();
  });
  // Once the host writes that file it holds what the database knows better.
  if (store.state.get('sessions:file') === undefined)
    await adopt('sessions.json', (content) => {
      for (const [folder, sessionId] of entriesOf(content)) {
        if (typeof sessionId !== 'string' || !isFolderName(folder)) continue;
        const provider = sessionId === CODEX_MARK ? 'codex' : 'claude';
        if (store.sessions.find(folder, provider) === undefined)
          store.sessions.save(folder, provider, { sessionId });
      }
    });
  await adopt('router_state.json', (content) => {
    const router = RouterState.safeParse(content);
    for (const [jid, timestamp] of Object.entries(router.data?.last_agent_timestamp ?? {})) {
      if (typeof timestamp === 'string') store.messages.moveCursorToTime(jid, timestamp);
    }
  });
  if (store.state.get('adopted:session agents') === undefined) {
    await refileSessions(store, paths);
    store.state.set('adopted:session agents', new Date(now).toISOString());
  }
  if (store.state.get('adopted:MEMORY.md') !== undefined) return;
  await adoptMemories(paths, log);
  store.state.set('adopted:MEMORY.md', new Date(now).toISOString());
}

/** v1 did not note whose a session was: the agent whose files name it. One without files stays where it is. */
async function refileSessions(store: Store, paths: Paths): Promise<void> {
  for (const { folder, provider, sessionId } of store.sessions.all()) {
    if (provider !== 'claude' || !isFolderName(folder)) continue;
    const owner = await ownerOf(paths.groupSessions(folder), sessionId);
    if (owner === undefined || owner === provider) continue;
    store.transaction(() => {
      store.sessions.remove(folder, provider);
      if (store.sessions.find(folder, owner) === undefined) store.sessions.save(folder, owner, { sessionId });
    });
  }
}

const SESSION_FILES = [
  ['claude', '.claude/projects'],
  ['codex', '.codex/sessions'],
  ['kimi', '.kimi/sessions'],
] as const;

async function ownerOf(sessions: string, sessionId: string) {
  if (sessionId === CODEX_MARK) return 'codex';
  for (const [provider, directory] of SESSION_FILES) {
    const names = await readdir(join(sessions, directory), { recursive: true }).catch(() => []);
    if (names.some((name) => basename(name).includes(sessionId))) return provider;
  }
  return undefined;
}

/** Larger ones are left to a person: an agent is shown 64 KiB of a memory. */
const MAX_MEMORY_BYTES = 1024 * 1024;

/**
 * Adds each `MEMORY.md`, the memory of v1 with Codex, to the `CLAUDE.md` beside it. One that is in there already adds
 * nothing: killed in the middle, this may run again.
 */
async function adoptMemories(paths: Paths, log: Log): Promise<void> {
  for (const entry of await readdir(paths.groups, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) continue;
    const file = join(paths.groups, entry.name, 'MEMORY.md');
    const memory = join(paths.groups, entry.name, 'CLAUDE.md');
    try {
      const text = (await readPlain(file))?.trim() ?? '';
      const known = (await readPlain(memory))?.trimEnd() ?? '';
      if (text === '' || known.includes(text)) continue;
      await replaceFile(memory, `${known === '' ? '' : `${known}\n\n`}${text}\n`);
      log.info({ file, memory }, 'Took over a memory of NanoClaw v1');
    } catch (error) {
      log.warn({ err: error, file, memory }, 'A memory of NanoClaw v1 was not merged: copy it by hand');
    }
  }
}

/** @returns undefined when there is none. @throws also for what is no plain file: a sandbox could write there */
async function readPlain(path: string): Promise<string | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`${path} is no plain file`);
    if (found.size > MAX_MEMORY_BYTES) throw new Error(`${path} is larger than ${MAX_MEMORY_BYTES} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function adoptGroup(store: Store, jid: string, entry: unknown, log: Log, now: number): void {
  const skip = (reason: string): void => {
    log.warn({ jid, reason }, 'A group of NanoClaw v1 was not taken over');
  };
  const parsed = Group.safeParse(entry);
  if (!parsed.success) {
    skip(z.prettifyError(parsed.error));
    return;
  }
  const group = parsed.data;
  if (store.groups.find(jid) !== undefined) return;
  if (store.groups.inFolder(group.folder) !== undefined) {
    skip(`the folder ${group.folder} is in use`);
    return;
  }
  const isMain = group.folder === MAIN_FOLDER;
  try {
    store.groups.add(
      {
        jid,
        name: group.name,
        folder: checkFolderName(group.folder),
        trigger: group.trigger,
        // v1's main channel never needed its trigger.
        requiresTrigger: isMain ? false : (group.requiresTrigger ?? true),
        isMain,
        containerConfig: group.containerConfig ?? {},
      },
      parseInstant(group.added_at ?? '') || now,
    );
  } catch (error) {
    if (!(error instanceof FolderNameError)) throw error;
    skip(error.message);
  }
}

function entriesOf(content: unknown): readonly (readonly [string, unknown])[] {
  return typeof content === 'object' && content !== null ? Object.entries(content) : [];
}

async function readJson(file: string, log: Log): Promise<unknown> {
  try {
    return JSON.parse(handWritten(await readFile(file), file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn({ err: error, file }, 'A file of NanoClaw v1 cannot be read and was not taken over');
    }
    return undefined;
  }
}
