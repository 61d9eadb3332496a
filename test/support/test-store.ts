import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RegisteredGroup } from '../../src/store/groups.ts';
import type { NewMessage } from '../../src/store/messages.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import type { NewTask } from '../../src/store/tasks.ts';
import { temporaryDirectory } from './temporary.ts';

export const MAIN: RegisteredGroup = {
  jid: 'self@s.whatsapp.net',
  name: 'Main',
  folder: 'main',
  trigger: '@Andy',
  requiresTrigger: true,
  isMain: true,
  containerConfig: {},
};

export const FAMILY: RegisteredGroup = {
  jid: 'family@g.us',
  name: 'Family',
  folder: 'family',
  trigger: '@Andy',
  requiresTrigger: true,
  isMain: false,
  containerConfig: {},
};

/**
 * A real store on a real file, closed when the test has ended.
 * @param busyTimeoutMs milliseconds to wait for another connection's lock; absent: as long as a host does
 */
export function testStore(directory = temporaryDirectory(), busyTimeoutMs?: number): Store {
  const store = openStore(join(directory, 'store', 'messages.db'), busyTimeoutMs);
  onTestFinished(() => store.close());
  return store;
}

/** The next id in a sequence of ids. */
export function counter(prefix = 'id'): () => string {
  let n = 0;
  return () => `${prefix}-${String(++n).padStart(4, '0')}`;
}

export function newMessage(change: Partial<NewMessage> & { id: string }): NewMessage {
  return {
    chatJid: MAIN.jid,
    sender: MAIN.jid,
    senderName: 'Ann',
    text: 'hello',
    timestamp: Date.UTC(2026, 0, 1),
    fromMe: true,
    isTrigger: false,
    ...change,
  };
}

/** A task that is due each morning. */
export function testTask(change: Partial<NewTask> = {}): NewTask {
  return {
    id: 't',
    folder: FAMILY.folder,
    chatJid: FAMILY.jid,
    prompt: 'x',
    script: null,
    scheduleType: 'cron',
    scheduleValue: '0 9 * * *',
    contextMode: 'group',
    nextRun: '2026-01-01T09:00:00.000Z',
    status: 'active',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}
