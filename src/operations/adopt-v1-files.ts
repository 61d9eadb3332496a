import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkFolderName, FolderNameError, MAIN_FOLDER } from '../groups/folder-name.ts';
import type { Log } from '../log.ts';
import type { Paths } from '../paths.ts';
import { ContainerConfig } from '../protocol/mailbox.ts';
import type { Store } from '../store/store.ts';

/** What early NanoClaw v1 kept as JSON below `data/`. The files are read once and left where they are. */

const GroupsFile = z.record(
  z.string(),
  z.object({
    name: z.string(),
    folder: z.string(),
    trigger: z.string(),
    added_at: z.string().optional(),
    requiresTrigger: z.boolean().optional(),
    containerConfig: ContainerConfig.optional(),
  }),
);
const SessionsFile = z.record(z.string(), z.string());
const RouterFile = z.object({ last_agent_timestamp: z.record(z.string(), z.string()).default({}) });

/** Codex had no session ids then: this mark meant its newest one. */
const CODEX_MARK = 'codex-last';

/**
 * Takes over groups, sessions and cursors of a v1 checkout, once in the life of a database.
 * A file that cannot be understood is told in the log and left for a person to look at.
 */
export async function adoptV1Files(store: Store, paths: Paths, log: Log, now: number): Promise<void> {
  if (store.state.get('v1:adopted') !== undefined) return;
  const groups = await readJson(join(paths.data, 'registered_groups.json'), GroupsFile, log);
  const sessions = await readJson(join(paths.data, 'sessions.json'), SessionsFile, log);
  const router = await readJson(join(paths.data, 'router_state.json'), RouterFile, log);
  store.transaction(() => {
    for (const [jid, group] of Object.entries(groups ?? {})) adoptGroup(store, jid, group, log, now);
    for (const [folder, id] of Object.entries(sessions ?? {})) {
      store.sessions.save(folder, id === CODEX_MARK ? 'codex' : 'claude', { sessionId: id });
    }
    for (const [jid, timestamp] of Object.entries(router?.last_agent_timestamp ?? {})) {
      store.messages.moveCursorToTime(jid, timestamp);
    }
    store.state.set('v1:adopted', new Date(now).toISOString());
  });
  if (groups !== undefined)
    log.info({ groups: Object.keys(groups).length }, 'Took over the groups of NanoClaw v1');
}

function adoptGroup(
  store: Store,
  jid: string,
  group: z.infer<typeof GroupsFile>[string],
  log: Log,
  now: number,
): void {
  if (store.groups.find(jid) !== undefined || store.groups.inFolder(group.folder) !== undefined) return;
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
      Date.parse(group.added_at ?? '') || now,
    );
  } catch (error) {
    if (!(error instanceof FolderNameError)) throw error;
    log.warn({ err: error, jid }, 'A group of NanoClaw v1 was not taken over');
  }
}

async function readJson<T>(file: string, schema: z.ZodType<T>, log: Log): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.warn({ err: error, file }, 'A file of NanoClaw v1 cannot be understood and was not taken over');
    return undefined;
  }
}
