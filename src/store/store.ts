import { Attachments } from './attachments.ts';
import type { Bells } from './bells.ts';
import { Chats } from './chats.ts';
import { Claims } from './claims.ts';
import { CursorView } from './cursor-view.ts';
import { Database, damageIn, lockOn } from './database.ts';
import { FollowUps } from './follow-ups.ts';
import { GroupMembers } from './group-members.ts';
import { Groups } from './groups.ts';
import { HandWritten } from './hand-written.ts';
import { Messages } from './messages.ts';
import { Outbox } from './outbox.ts';
import { Runs } from './runs.ts';
import { SamePerson } from './same-person.ts';
import { Sessions } from './sessions.ts';
import { State } from './state.ts';
import { Tasks } from './tasks.ts';
import { Usage } from './usage.ts';

/** The truth: everything that must survive a crash, by aggregate. */
export interface Store {
  readonly bells: Bells;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly cursorView: CursorView;
  readonly attachments: Attachments;
  readonly groups: Groups;
  readonly handWritten: HandWritten;
  readonly members: GroupMembers;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  readonly runs: Runs;
  readonly followUps: FollowUps;
  readonly usage: Usage;
  readonly outbox: Outbox;
  readonly claims: Claims;
  readonly state: State;
  readonly samePerson: SamePerson;
  /** All of `work` or nothing of it. Bells ring after the commit. Synchronous: nothing may be awaited inside. */
  transaction<T>(work: () => T): T;
  /** False once it was closed: after a start that failed something may still come in. */
  readonly isOpen: boolean;
  close(): void;
}

/**
 * @param busyTimeoutMs milliseconds to wait for the lock while another process writes; absent: a second
 * @throws DatabaseError when the file is no sound database
 */
export function openStore(file: string, busyTimeoutMs?: number): Store {
  return storeOn(Database.open(file, busyTimeoutMs));
}

/**
 * Opens the store to look into it, while a host may be running, and closes it again.
 * @returns undefined when there is none yet
 * @throws DatabaseError also for damage that is met while `work` reads; whatever `work` rejects with
 */
export function lookInto<T>(file: string, work: (store: Store) => T | Promise<T>): Promise<T | undefined> {
  return workOn(file, Database.openReadOnly, work);
}

/** As `lookInto`, to change the store. A host that is running has to be told (`announceChange`). */
export function changeBeside<T>(
  file: string,
  work: (store: Store) => T | Promise<T>,
): Promise<T | undefined> {
  return workOn(file, Database.openBeside, work);
}

async function workOn<T>(
  file: string,
  open: (file: string) => Database | undefined,
  work: (store: Store) => T | Promise<T>,
): Promise<T | undefined> {
  const db = open(file);
  if (db === undefined) return undefined;
  try {
    return await work(storeOn(db));
  } catch (error) {
    throw damageIn(file, error) ?? lockOn(file, error) ?? error;
  } finally {
    db.close();
  }
}

function storeOn(db: Database): Store {
  return {
    bells: db.bells,
    chats: new Chats(db),
    messages: new Messages(db),
    cursorView: new CursorView(db),
    attachments: new Attachments(db),
    groups: new Groups(db),
    handWritten: new HandWritten(db),
    members: new GroupMembers(db),
    sessions: new Sessions(db),
    tasks: new Tasks(db),
    runs: new Runs(db),
    followUps: new FollowUps(db),
    usage: new Usage(db),
    outbox: new Outbox(db),
    claims: new Claims(db),
    state: new State(db),
    samePerson: new SamePerson(db),
    transaction: (work) => db.transaction(work),
    get isOpen() {
      return db.sql.open;
    },
    close: () => db.close(),
  };
}
