import { cutText } from '../protocol/graphemes.ts';
import { isFolderName, RESERVED_FOLDERS } from '../protocol/layout.ts';
import { CONTEXT_MODES, SCHEDULE_TYPES } from '../protocol/mailbox.ts';
import type { Database } from './database.ts';
import { isForeignJid, readConfig } from './groups.ts';

/** A value that an operator wrote and that cannot be used as it is. */
export interface Unusable {
  /** The chat's name and folder, or the task's id. */
  readonly where: string;
  readonly column: string;
  /** What is wrong, and what holds until it is fixed. */
  readonly problem: string;
}

interface GroupRow {
  readonly jid: string;
  readonly name: string;
  readonly folder: string;
  readonly folderType: string;
  readonly trigger: unknown;
  readonly requiresTrigger: unknown;
  readonly config: unknown;
}

interface TaskRow {
  readonly id: string;
  readonly idType: string;
  readonly prompt: string;
  readonly scheduleType: unknown;
  readonly contextMode: unknown;
  readonly status: unknown;
}

const STATUSES = ['active', 'paused', 'completed'] as const;
const inSql = (names: readonly string[]): string => `(${names.map((name) => `'${name}'`).join(', ')})`;

/**
 * What operators have written into the columns that the guides show, as far as it cannot be used. Each reader of such a
 * value falls back to something safe; this names it, so that nothing is read as something else in silence.
 */
export class HandWritten {
  readonly #db: Database;
  readonly #groups;
  readonly #tasks;
  #version: unknown;

  constructor(db: Database) {
    this.#db = db;
    this.#groups = db.sql.prepare<[], GroupRow>(`
      SELECT COALESCE(CAST(jid AS TEXT), '') AS jid, CAST(name AS TEXT) AS name, CAST(folder AS TEXT) AS folder,
        typeof(folder) AS folderType, trigger_pattern AS trigger, requires_trigger AS requiresTrigger, container_config AS config
      FROM registered_groups ORDER BY folder`);
    this.#tasks = db.sql.prepare<[], TaskRow>(`
      SELECT CAST(id AS TEXT) AS id, typeof(id) AS idType, CAST(prompt AS TEXT) AS prompt, schedule_type AS scheduleType, context_mode AS contextMode, status FROM scheduled_tasks
      WHERE typeof(id) <> 'text' OR status IS NULL OR status NOT IN ${inSql(STATUSES)} OR (status <> 'completed' AND (
        schedule_type NOT IN ${inSql(SCHEDULE_TYPES)}
        OR (context_mode IS NOT NULL AND context_mode NOT IN ${inSql(CONTEXT_MODES)}))) ORDER BY id`);
  }

  /** @returns undefined: no other program has written into the database since the last call */
  unusable(): readonly Unusable[] | undefined {
    const version = this.#db.sql.pragma('data_version', { simple: true });
    if (version === this.#version) return undefined;
    this.#version = version;
    return [...this.#groups.all().flatMap(ofGroup), ...this.#tasks.all().flatMap(ofTask)];
  }
}

function ofGroup({ jid, name, folder, folderType, trigger, requiresTrigger, config }: GroupRow): Unusable[] {
  const where = `${name} (${folder})`;
  const found: Unusable[] = [];
  const add = (column: string, problem: string) => found.push({ where, column, problem });
  if (folderType !== 'text' || !isFolderName(folder)) {
    const wanted = `1 to 64 letters, digits, - and _, and none of ${RESERVED_FOLDERS.join(', ')}`;
    add('folder', `it must be a text of ${wanted}; until then its messages wait`);
  }
  if (isForeignJid(jid))
    add('jid', `"${jid}" is a chat of another channel than WhatsApp; its tasks are paused when they are due`);
  const { problem } = readConfig(config);
  if (problem !== undefined) add('container_config', problem);
  if (typeof trigger !== 'string' || trigger.trim() === '')
    add('trigger_pattern', 'it must be a text like @Andy; until then no message triggers by its words');
  if (![0, 1, null].includes(requiresTrigger as number | null))
    add('requires_trigger', 'it must be 0 or 1; until then the trigger is needed');
  return found;
}

function ofTask({ id, idType, prompt, scheduleType, contextMode, status }: TaskRow): Unusable[] {
  if (idType !== 'text') {
    const problem = 'it must be a text of its own, like t-1; until then the task is not there';
    return [{ where: `the task "${cutText(prompt, 60)}"`, column: 'id', problem }];
  }
  const found: Unusable[] = [];
  const check = (column: string, value: unknown, names: readonly string[], until: string) => {
    if (value !== null && names.includes(value as string)) return;
    found.push({
      where: `task ${id}`,
      column,
      problem: `it must be ${names.join(', ')}; until then ${until}`,
    });
  };
  check('schedule_type', scheduleType, SCHEDULE_TYPES, 'it is paused at its next run');
  if (contextMode !== null) check('context_mode', contextMode, CONTEXT_MODES, 'it runs as isolated');
  check('status', status, STATUSES, 'it does not run');
  return found;
}
