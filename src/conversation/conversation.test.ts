import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { answers, type Script, ScriptedAgent } from '../../test/support/scripted-agent.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter, FAMILY, MAIN, newMessage, testStore } from '../../test/support/test-store.ts';
import { type LineState, wordsOf } from '../channel/channel.ts';
import { SECOND } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Conversation } from './conversation.ts';
import { Settlement } from './settlement.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const clock = { now: () => Date.now() };

const TASK = {
  id: 'task',
  folder: 'main',
  chatJid: MAIN.jid,
  prompt: 'look',
  script: null,
  scheduleType: 'interval',
  scheduleValue: '60000',
  contextMode: 'isolated',
  nextRun: null,
  status: 'active',
  createdAt: '2026-01-01T00:00:00.000Z',
} as const;

function diskFull(code = 'SQLITE_FULL'): Error {
  return Object.assign(new Error('the disk is full'), { code });
}

interface RigOptions {
  readonly store?: Store;
  readonly drain?: (folder: string) => Promise<void>;
  readonly prepare?: () => Promise<void>;
  readonly cleanUp?: () => Promise<void>;
}

function rig(
  script: Script,
  {
    store = testStore(),
    drain = async () => undefined,
    prepare = async () => undefined,
    cleanUp = async () => undefined,
  }: RigOptions = {},
) {
  const agent = new ScriptedAgent(script);
  const newId = counter('run');
  const typing: string[] = [];
  let line: LineState = { status: 'open' };
  const conversation = new Conversation({
    store,
    agent,
    settlement: new Settlement(store, newId, clock.now, DEFAULT_TIMINGS),
    clock,
    newId,
    log: silentLog,
    provider: 'offline',
    model: undefined,
    idleTimeoutMs: 0,
    drainMailbox: drain,
    channel: {
      setTyping: async (jid, on) => void typing.push(`${jid} ${on}`),
      get state() {
        return line;
      },
    },
    timezone: 'UTC',
    mostAtOnce: 2,
    prepare,
    cleanUp,
    timings: DEFAULT_TIMINGS,
  });
  onTestFinished(() => conversation.stop(0));
  store.bells.on('messages', () => conversation.messagesCame());
  store.bells.on('runs', () => conversation.wake());
  store.bells.on('attachments', () => conversation.wake());
  const enter = (state: LineState): void => {
    line = state;
    if (state.status === 'open') conversation.wake();
  };
  return { store, agent, conversation, typing, enter };
}

const call = (store: Store, id: string, text = '@Andy hi'): void => {
  store.messages.add(newMessage({ id, text, isTrigger: true }));
};

const texts = (store: Store): string[] => {
  const found: string[] = [];
  for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
    found.push(wordsOf(head.message));
    store.outbox.settle(head.seq, 'sent', 0);
  }
  return found;
};

describe('a turn', () => {
  it('takes all messages since the last answered one and moves the cursor with the stored answer', async () => {
    const { store, agent, typing } = rig(answers('Hello Ann'));
    store.groups.add(MAIN, 0);
    store.messages.add(newMessage({ id: 'before', text: 'some context' }));
    call(store, 'call', '@Andy what now?');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(2));
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    expect(agent.requests[0]?.prompt).toContain('some context');
    expect(agent.requests[0]?.prompt).toContain('@Andy what now?');
    expect(texts(store)).toEqual(['Hello Ann']);
    expect(store.messages.waiting()).toEqual([]);
    expect(typing).toEqual([`${MAIN.jid} true`, `${MAIN.jid} false`]);
  });

  it('stores a long answer as several messages, all with its cursor', async () => {
    const paragraph = 'A sentence of the answer. '.repeat(80).trim();
    const { store } = rig(answers([paragraph, paragraph, paragraph].join('\n\n')));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual([paragraph, paragraph, paragraph]);
  });

  it('quotes in a group the message that it answers, once, and in a direct chat nothing', async () => {
    const { store, agent } = rig(async (_, say) => {
      await say({ status: 'success', result: 'first' });
      await say({ status: 'success', result: 'second' });
      return {};
    });
    store.groups.add(MAIN, 0);
    store.groups.add(FAMILY, 0);
    store.chats.note({ jid: FAMILY.jid, name: 'Family', isGroup: true });
    const inFamily = { chatJid: FAMILY.jid, sender: 'ann@example' };
    store.messages.add(newMessage({ ...inFamily, id: 'call', text: '@Andy lunch?', isTrigger: true }));
    store.messages.add(newMessage({ ...inFamily, id: 'chatter', text: 'I am hungry' }));
    call(store, 'direct');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(3));
    await vi.waitFor(() => expect(store.messages.cursor(FAMILY.jid)).toBe(2));
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    const messages = [];
    for (let heads = store.outbox.heads(); heads.length > 0; heads = store.outbox.heads()) {
      for (const { seq, chatJid, message } of heads) {
        messages.push({ chatJid, ...message });
        store.outbox.settle(seq, 'sent', 0);
      }
    }
    const quoted = { id: 'call', senderJid: 'ann@example', text: '@Andy lunch?' };
    expect(messages.filter(({ chatJid }) => chatJid === FAMILY.jid)).toEqual([
      { chatJid: FAMILY.jid, kind: 'text', text: 'first', quoted },
      { chatJid: FAMILY.jid, kind: 'text', text: 'second' },
    ]);
    for (const message of messages)
      if (message.chatJid === MAIN.jid) expect(message).not.toHaveProperty('quoted');
  });

  it('does not start for messages that do not trigger', async () => {
    const { store, agent, conversation } = rig(answers('never'));
    store.groups.add(MAIN, 0);
    store.messages.add(newMessage({ id: '1', text: 'just a note' }));
    conversation.wake();
    expect(agent.requests).toEqual([]);
  });

  it.each([
    ['a name that leaves its parent', "'../../outside'"],
    ['bytes', "x'00ff'"],
  ])('waits while its folder is %s, and starts when that is mended', async (_, folder) => {
    const directory = temporaryDirectory();
    const store = testStore(directory);
    store.groups.add(FAMILY, 0);
    const sqlite = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    onTestFinished(() => void sqlite.close());
    sqlite.exec(`UPDATE registered_groups SET folder = ${folder} WHERE jid = '${FAMILY.jid}'`);
    const { agent, conversation } = rig(answers('hello'), { store });
    store.messages.add(newMessage({ id: 'f1', chatJid: FAMILY.jid, text: '@Andy hi', isTrigger: true }));
    store.groups.add(MAIN, 0);
    call(store, 'm1');
    await vi.waitFor(() => expect(texts(store)).toContainEqual('hello'));
    const folders = () => agent.requests.map(({ groupFolder }) => groupFolder);
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    expect(folders()).toEqual(['main']);
    sqlite.exec(`UPDATE registered_groups SET folder = 'family' WHERE jid = '${FAMILY.jid}'`);
    conversation.wake();
    await vi.waitFor(() => expect(folders()).toEqual(['main', 'family']));
  });

  it('waits for the end of a backlog, in which deletions and edits arrive last', async () => {
    const { store, agent, enter } = rig(answers('ok'));
    store.groups.add(MAIN, 0);
    enter({ status: 'connecting' });
    call(store, '1', '@Andy first');
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    call(store, '2', '@Andy second');
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect(agent.requests).toEqual([]);
    enter({ status: 'open' });
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    expect(agent.requests[0]?.prompt).toMatch(/first[\s\S]*second/);
  });

  it('starts although the connection does not open, when nothing more arrives', async () => {
    const { store, agent, enter } = rig(answers('ok'));
    store.groups.add(MAIN, 0);
    enter({ status: 'connecting' });
    call(store, '1', '@Andy first');
    await vi.advanceTimersByTimeAsync(6 * SECOND);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
  });

  it('resumes the session of the turn before', async () => {
    const { store, agent } = rig(answers('yes'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    call(store, '2');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(agent.requests.map(({ sessionId }) => sessionId)).toEqual([undefined, 'session-1']);
  });

  it('starts only after the previous turn of its group, with the messages that arrived meanwhile', async () => {
    let release: () => void = () => undefined;
    const { store, agent } = rig(async (_, say) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await say({ status: 'success', result: 'done' });
      return {};
    });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    call(store, '2', '@Andy second');
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.requests).toHaveLength(1);
    release();
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(agent.requests[1]?.prompt).toContain('second');
    release();
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(2));
  });

  it('runs beside those of other groups, up to the limit', async () => {
    const releases: (() => void)[] = [];
    const { store, agent } = rig(async (_, say) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      await say({ status: 'success', result: 'done' });
      return {};
    });
    for (const name of ['a', 'b', 'c']) {
      store.groups.add({ ...FAMILY, jid: `${name}@g.us`, folder: name }, 0);
      store.messages.add(newMessage({ id: name, chatJid: `${name}@g.us`, isTrigger: true }));
    }
    await vi.waitFor(() => expect(releases).toHaveLength(2));
    expect(agent.mostAtWork).toBe(2);
    releases[0]?.();
    await vi.waitFor(() => expect(releases).toHaveLength(3));
    expect(agent.mostAtWork).toBe(2);
    for (const release of releases) release();
    await vi.waitFor(() => expect(store.messages.waiting()).toEqual([]));
  });

  it('starts for a person before a task that waits for the same group', async () => {
    const { store, agent, conversation } = rig(answers('ok'));
    store.groups.add(MAIN, 0);
    const task = {
      id: 't',
      folder: 'main',
      chatJid: MAIN.jid,
      prompt: 'the task',
      script: null,
      scheduleType: 'once',
    } as const;
    store.tasks.add({
      ...task,
      scheduleValue: 'x',
      contextMode: 'isolated',
      nextRun: null,
      status: 'completed',
      createdAt: '',
    });
    store.transaction(() => {
      store.runs.queueTask(
        { id: 'q', folder: 'main', chatJid: MAIN.jid, taskId: 't', slot: 's', attempt: 1, notBefore: 0 },
        0,
      );
      call(store, '1');
    });
    conversation.wake();
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(agent.requests.map(({ isScheduledTask }) => isScheduledTask)).toEqual([false, true]);
  });

  it('sends nothing when the answer is internal, and counts as answered', async () => {
    const { store } = rig(answers('<internal>nothing to say</internal>'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual([]);
  });
});

describe('a failed turn', () => {
  const crash: Script = async () => ({ exitCode: 1, error: 'Container exited with code 1' });

  it('is tried again after 5 and 20 seconds when it left no effect, then the chat is notified once', async () => {
    const { store, agent } = rig(crash);
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect(agent.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(store.messages.cursor(MAIN.jid)).toBe(0);
    await vi.advanceTimersByTimeAsync(17 * SECOND);
    expect(agent.requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(3);
    expect(texts(store)).toEqual([expect.stringMatching(/did not work.*container-1\.log/)]);
  });

  it('is answered by a later try when its error is transient, and the chat sees only the answer', async () => {
    const { store, agent } = rig(crash);
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    agent.follow(answers('here I am'));
    await vi.advanceTimersByTimeAsync(6 * SECOND);
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual(['here I am']);
  });

  it.each([
    [
      'a refused key',
      async (_: unknown, say: Parameters<Script>[1]) => {
        await say({ status: 'error', error: '401', errorKind: 'key_refused' });
        return { exitCode: 1, error: 'Container exited with code 1' };
      },
    ],
    [
      'a missing image',
      async () => ({ reason: 'start_failed', retryable: false, error: 'no image' }) as const,
    ],
  ] as const)('is not tried again after %s', async (_, script) => {
    const { store, agent } = rig(script as Script);
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toHaveLength(1);
  });

  it('is closed and never run again when it left an effect', async () => {
    const { store, agent } = rig(async (request) => {
      store.outbox.add(
        {
          chatJid: MAIN.jid,
          message: { kind: 'text', text: 'on my way' },
          source: 'message',
          runId: request.runId,
        },
        0,
      );
      return { exitCode: 1, error: 'Container exited with code 1' };
    });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    await vi.advanceTimersByTimeAsync(60 * SECOND);
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['on my way', expect.stringMatching(/did not work/)]);
  });

  it('reports an exit without a frame', async () => {
    const { store } = rig(async () => ({}));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.advanceTimersByTimeAsync(60 * SECOND);
    await vi.waitFor(() => expect(texts(store)).toEqual([expect.stringMatching(/without an answer/)]));
  });

  it('does not delay another group', async () => {
    const { store } = rig(async (request, say) => {
      if (request.groupFolder === 'main') return { exitCode: 1, error: 'x' };
      await say({ status: 'success', result: 'fine here' });
      return {};
    });
    store.groups.add(MAIN, 0);
    store.groups.add(FAMILY, 0);
    call(store, '1');
    store.messages.add(newMessage({ id: '2', chatJid: FAMILY.jid, isTrigger: true }));
    await vi.waitFor(() => expect(store.messages.cursor(FAMILY.jid)).toBeGreaterThan(0));
  });
});

describe('after a crash of the host', () => {
  it('a run without effects runs again', async () => {
    const { store, agent, conversation } = rig(answers('late but here'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    store.runs.startChat(
      { id: 'old', folder: 'main', chatJid: MAIN.jid, attempt: 1, firstSeq: 1, lastSeq: 1 },
      0,
    );
    await conversation.settleInterrupted();
    conversation.wake();
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['late but here']);
  });

  it.each([
    ['the answer', 'reply', []],
    ['something else', 'message', [expect.stringMatching(/interrupted/)]],
  ] as const)('a run that had sent %s is closed, not run again', async (_, source, notices) => {
    const { store, agent, conversation } = rig(answers('never'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    store.runs.startChat(
      { id: 'old', folder: 'main', chatJid: MAIN.jid, attempt: 1, firstSeq: 1, lastSeq: 1 },
      0,
    );
    store.outbox.add({ chatJid: MAIN.jid, message: { kind: 'text', text: 'sent' }, source, runId: 'old' }, 0);
    if (source === 'reply') {
      store.runs.noteAnswer('old', 0);
      store.messages.moveCursor(MAIN.jid, 1);
    }
    await conversation.settleInterrupted();
    conversation.wake();
    expect(agent.requests).toEqual([]);
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    expect(texts(store)).toEqual(['sent', ...notices]);
  });

  it('a task’s run without effects is queued again as the next attempt at the same slot', async () => {
    const { store, conversation } = rig(answers('x'));
    store.groups.add(MAIN, 0);
    store.runs.queueTask(
      { id: 'q', folder: 'main', chatJid: MAIN.jid, taskId: 't', slot: 's', attempt: 1, notBefore: 0 },
      0,
    );
    store.runs.startQueued('q', 0);
    await conversation.settleInterrupted();
    expect(store.runs.queued()).toMatchObject([{ taskId: 't', slot: 's', attempt: 2 }]);
  });
});

describe('a host that stops', () => {
  it('lets a turn end by itself within the grace period', async () => {
    let release: () => void = () => undefined;
    const { store, agent, conversation } = rig(async (_, say) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await say({ status: 'success', result: 'just in time' });
      return {};
    });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    const stopped = conversation.stop(10 * SECOND);
    release();
    await stopped;
    expect(texts(store)).toEqual(['just in time']);
  });

  it('ends a turn that takes longer; it runs again after the next start', async () => {
    const { store, agent, conversation } = rig(() => new Promise(() => undefined));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    const stopped = conversation.stop(10 * SECOND);
    await vi.advanceTimersByTimeAsync(11 * SECOND);
    await stopped;
    expect(texts(store)).toEqual([]);
    expect(store.messages.waiting()).toHaveLength(1);
    expect(store.runs.running()).toEqual([]);
  });
});

describe('a run that waits', () => {
  const queue = (store: Store, chatJid: string, folder = 'family'): void =>
    store.runs.queueTask({ id: 'q', folder, chatJid, taskId: 't', slot: 's', attempt: 1, notBefore: 0 }, 0);

  it('never starts for a chat that is not registered any more, whoever has its folder now', () => {
    const { store, agent, conversation } = rig(answers('never'));
    store.groups.add({ ...FAMILY, jid: 'another@g.us' }, 0);
    queue(store, FAMILY.jid);
    conversation.wake();
    expect(agent.requests).toEqual([]);
    expect(store.runs.queued()).toEqual([]);
  });

  it('does not start for a task before the next try for a person', async () => {
    const { store, agent, conversation } = rig(async () => ({ exitCode: 1, error: 'x' }));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    queue(store, MAIN.jid, 'main');
    conversation.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.requests.some(({ isScheduledTask }) => isScheduledTask)).toBe(false);
  });
});

describe('a host that cannot store the agent’s output', () => {
  it('does not count the turn as a success', async () => {
    const { store, agent } = rig(async (_, say) => {
      await say({ status: 'success', result: 'first' });
      const failed = await say({ status: 'success', result: 'second' }).then(
        () => false,
        () => true,
      );
      return failed ? { reason: 'stopped', error: 'a frame could not be taken' } : {};
    });
    store.groups.add(MAIN, 0);
    const add = store.outbox.add.bind(store.outbox);
    vi.spyOn(store.outbox, 'add').mockImplementation((row, at) => {
      if (wordsOf(row.message) === 'second') throw new Error('the disk is full');
      return add(row, at);
    });
    call(store, '1');
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.waitFor(() =>
      expect(texts(store)).toEqual(['first', expect.stringMatching(/the disk is full/)]),
    );
  });

  it('settles an unsettled run before it claims the next one', async () => {
    const { store, agent } = rig(async (request) => {
      store.outbox.add(
        {
          chatJid: MAIN.jid,
          message: { kind: 'text', text: 'by a tool' },
          source: 'message',
          runId: request.runId,
        },
        0,
      );
      return {};
    });
    store.groups.add(MAIN, 0);
    vi.spyOn(store.runs, 'end')
      .mockImplementationOnce(() => {
        throw diskFull();
      })
      .mockImplementationOnce(() => {
        throw diskFull();
      });
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['by a tool', expect.stringMatching(/interrupted/)]);
  });

  it('settles a task’s unsettled run although nothing else waits, so that its next slot can run', async () => {
    const { store, agent } = rig(answers('done'));
    store.groups.add(MAIN, 0);
    store.tasks.add(TASK);
    vi.spyOn(store.runs, 'end').mockImplementationOnce(() => {
      throw diskFull();
    });
    const run = { folder: 'main', chatJid: MAIN.jid, taskId: TASK.id, attempt: 1, notBefore: 0 };
    store.runs.queueTask({ ...run, id: 'first', slot: '2026-01-01T00:00:00.000Z' }, 0);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(store.runs.isOpen(TASK.id)).toBe(false));
    // It had answered before it could not be settled.
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['done']);
  });

  it('uses up no tries of a turn while the disk is full', async () => {
    let room = false;
    const prepare = async (): Promise<void> => {
      if (!room) throw diskFull('ENOSPC');
    };
    const { store, agent } = rig(answers('at last'), { prepare });
    store.groups.add(MAIN, 0);
    call(store, '1');
    // Many times as long as all tries of a turn take.
    await vi.advanceTimersByTimeAsync(180 * SECOND);
    expect(agent.requests).toEqual([]);
    expect(texts(store)).toEqual([]);
    room = true;
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(texts(store)).toEqual(['at last']));
  });

  it('settles no run before its mailbox is drained, because the files in it are its effects', async () => {
    const store = testStore();
    let room = false;
    let pending: string | undefined;
    const drain = async (): Promise<void> => {
      if (!room) throw diskFull();
      if (pending === undefined) return;
      const message = { kind: 'text', text: 'by a tool' } as const;
      store.outbox.add({ chatJid: MAIN.jid, message, source: 'message', runId: pending }, 0);
      pending = undefined;
    };
    const script: Script = async ({ runId }) => {
      pending = runId;
      return { exitCode: 1, error: 'it died' };
    };
    const { agent } = rig(script, { store, drain });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.advanceTimersByTimeAsync(120 * SECOND);
    expect(store.runs.running()).toHaveLength(1);
    room = true;
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    await vi.advanceTimersByTimeAsync(120 * SECOND);
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['by a tool', expect.stringMatching(/interrupted/)]);
  });
});

describe('a run that has ended', () => {
  it('does not end a second time, and is followed by one try only', () => {
    const store = testStore();
    const settlement = new Settlement(store, counter('again'), clock.now, DEFAULT_TIMINGS);
    store.groups.add(MAIN, 0);
    store.tasks.add(TASK);
    const slot = '2026-01-01T00:00:00.000Z';
    const claim = { id: 'first', folder: 'main', chatJid: MAIN.jid, taskId: TASK.id, slot };
    store.runs.queueTask({ ...claim, attempt: 1, notBefore: 0 }, 0);
    const run = store.runs.startQueued('first', 0);
    const end = { exitReason: 'host_crashed', logFile: undefined };
    expect(settlement.interrupt(run, end)).toBe('again');
    expect(settlement.interrupt(run, end)).toBe('closed');
    const failure = { words: 'x', detail: 'x', isExplained: true, retryable: true, isOutage: false };
    expect(settlement.fail(run, end, failure)).toBe('closed');
    settlement.succeed(run, end, 'late');
    expect(store.runs.slotTries(TASK.id, slot).map(({ status }) => status)).toEqual([
      'interrupted',
      'queued',
    ]);
  });
});

describe('a message that a tool sent', () => {
  it('appears in the chat before the answer that followed it', async () => {
    const store = testStore();
    let dropped = true;
    const drain = async (): Promise<void> => {
      if (!dropped) return;
      dropped = false;
      store.outbox.add({ chatJid: MAIN.jid, message: { kind: 'text', text: 'first' }, source: 'message' }, 0);
    };
    rig(answers('that was it'), { store, drain });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual(['first', 'that was it']);
  });
});

describe('a turn whose messages have files', () => {
  const picture = (store: Store, id: string): void => {
    store.transaction(() => {
      call(store, id, '@Andy what is this?');
      const file = { kind: 'image', fileName: 'x.png', reference: '{}' } as const;
      store.attachments.add({ chatJid: MAIN.jid, senderJid: MAIN.jid, id }, [file], clock.now());
    });
  };
  const save = (store: Store): void => {
    const found = { file: 'main/x.png', mimeType: 'image/png', bytes: 3 };
    store.attachments.saved(store.attachments.waiting()[0]!, found, clock.now());
  };
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('starts when they have arrived, and names them', async () => {
    const { store, agent } = rig(answers('a cat'));
    store.groups.add(MAIN, 0);
    picture(store, 'A');
    await settled();
    expect(agent.requests).toEqual([]);
    save(store);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    expect(agent.requests[0]?.prompt).toContain(
      '<attachment type="image" path="/workspace/attachments/x.png" mime="image/png" size="3" name="x.png" />',
    );
  });

  it('delays no other chat, and starts without them after a minute', async () => {
    const { store, agent } = rig(answers('fine'));
    store.groups.add(MAIN, 0);
    store.groups.add(FAMILY, 0);
    picture(store, 'A');
    store.messages.add(newMessage({ id: 'B', chatJid: FAMILY.jid, text: '@Andy hi', isTrigger: true }));
    await vi.waitFor(() => expect(agent.requests.map(({ chatJid }) => chatJid)).toEqual([FAMILY.jid]));
    await vi.advanceTimersByTimeAsync(60 * SECOND);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(agent.requests[1]?.prompt).toContain('error="it is still being fetched"');
  });

  it('gets a follow-up only when that one’s files have arrived', async () => {
    let release: () => void = () => undefined;
    const { store, agent } = rig(async (_, say) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await say({ status: 'success', result: 'done' });
      return {};
    });
    agent.acceptsFollowUps = true;
    store.groups.add(MAIN, 0);
    call(store, 'A');
    await vi.waitFor(() => expect(agent.atWork.size).toBe(1));
    picture(store, 'B');
    await settled();
    expect(agent.input.size).toBe(0);
    save(store);
    await vi.waitFor(() => expect(agent.input.size).toBe(1));
    expect([...agent.input.values()][0]).toContain('path="/workspace/attachments/x.png"');
    agent.input.clear();
    release();
  });
});

it('an error while a turn is cleaned up after does not replace the error of the turn', async () => {
  const cleanUp = () => Promise.reject(new Error('no results/ is there'));
  const prepare = () => Promise.reject(diskFull('ENOSPC'));
  const { store, conversation } = rig(answers('unused'), { prepare, cleanUp });
  store.groups.add(MAIN, 0);
  call(store, 'call');
  await vi.waitFor(() => expect(store.runs.running()).toHaveLength(1));
  await vi.waitFor(() => expect(conversation.activeGroups()).toEqual([]));
  // A full disk passes: the group waits, and nobody is told of a failure.
  await new Promise((resolve) => setImmediate(resolve));
  expect(texts(store)).toEqual([]);
});
