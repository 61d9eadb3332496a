import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { answers, type Script, ScriptedAgent } from '../../test/support/scripted-agent.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { counter, FAMILY, MAIN, newMessage, testStore } from '../../test/support/test-store.ts';
import { SECOND } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { Conversation } from './conversation.ts';
import { Settlement } from './settlement.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const clock = { now: () => Date.now() };

function rig(
  script: Script,
  store: Store = testStore(),
  drain: (folder: string) => Promise<void> = async () => undefined,
) {
  const agent = new ScriptedAgent(script);
  const newId = counter('run');
  const typing: string[] = [];
  const conversation = new Conversation({
    store,
    agent,
    settlement: new Settlement(store, newId, clock.now),
    clock,
    newId,
    log: silentLog,
    provider: 'offline',
    model: undefined,
    idleTimeoutMs: 0,
    drainMailbox: drain,
    channel: {
      setTyping: async (jid, on) => void typing.push(`${jid} ${on}`),
    },
    timezone: 'UTC',
    mostAtOnce: 2,
    prepare: async () => undefined,
    cleanUp: async () => undefined,
  });
  onTestFinished(() => conversation.stop(0));
  store.bells.on('messages', () => conversation.wake());
  store.bells.on('runs', () => conversation.wake());
  return { store, agent, conversation, typing };
}

const call = (store: Store, id: string, text = '@Andy hi'): void => {
  store.messages.add(newMessage({ id, text, isTrigger: true }));
};

const texts = (store: Store): string[] => {
  const found: string[] = [];
  for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
    found.push(head.message.text);
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

  it('does not start for messages that call nobody', async () => {
    const { store, agent, conversation } = rig(answers('never'));
    store.groups.add(MAIN, 0);
    store.messages.add(newMessage({ id: '1', text: 'just a note' }));
    conversation.wake();
    expect(agent.requests).toEqual([]);
  });

  it('resumes the session of the one before', async () => {
    const { store, agent } = rig(answers('yes'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    call(store, '2');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
    expect(agent.requests.map(({ sessionId }) => sessionId)).toEqual([undefined, 'session-1']);
  });

  it('is one at a time per group: messages that arrive meanwhile lead to the next one', async () => {
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

  it('of a person goes before a task that waits for the same group', async () => {
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

  it('says nothing when the answer is internal, and counts as answered', async () => {
    const { store } = rig(answers('<internal>nothing to say</internal>'));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual([]);
  });
});

describe('a failed turn', () => {
  const crash: Script = async () => ({ exitCode: 1, error: 'Container exited with code 1' });

  it('that left no effect is tried again after 5 and 20 seconds, then the chat is told once', async () => {
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

  it('that can heal is answered by a later try, and the chat sees only the answer', async () => {
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
  ] as const)('by %s is not tried again', async (_, script) => {
    const { store, agent } = rig(script as Script);
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toHaveLength(1);
  });

  it('that left an effect is closed and never run again', async () => {
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

  it('by an exit without a frame says so', async () => {
    const { store } = rig(async () => ({}));
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.advanceTimersByTimeAsync(60 * SECOND);
    await vi.waitFor(() => expect(texts(store)).toEqual([expect.stringMatching(/without an answer/)]));
  });

  it('does not hold up another group', async () => {
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

  it('of a chat that is not registered any more never starts, whoever has its folder now', () => {
    const { store, agent, conversation } = rig(answers('never'));
    store.groups.add({ ...FAMILY, jid: 'another@g.us' }, 0);
    queue(store, FAMILY.jid);
    conversation.wake();
    expect(agent.requests).toEqual([]);
    expect(store.runs.queued()).toEqual([]);
  });

  it('of a task does not overtake a person who waits for another try', async () => {
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

describe('a host that cannot store what the agent says', () => {
  it('does not call the turn a success', async () => {
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
      if (row.message.text === 'second') throw new Error('the disk is full');
      return add(row, at);
    });
    call(store, '1');
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.waitFor(() =>
      expect(texts(store)).toEqual(['first', expect.stringMatching(/the disk is full/)]),
    );
  });

  it('settles a run that it could not settle before it claims the next one', async () => {
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
        throw new Error('the disk is full');
      })
      .mockImplementationOnce(() => {
        throw new Error('the disk is full');
      });
    call(store, '1');
    await vi.waitFor(() => expect(agent.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(1);
    expect(texts(store)).toEqual(['by a tool', expect.stringMatching(/interrupted/)]);
  });
});

describe('what a tool sent', () => {
  it('stands in the chat before the answer that followed it', async () => {
    const store = testStore();
    let dropped = true;
    rig(answers('that was it'), store, async () => {
      if (!dropped) return;
      dropped = false;
      store.outbox.add({ chatJid: MAIN.jid, message: { kind: 'text', text: 'first' }, source: 'message' }, 0);
    });
    store.groups.add(MAIN, 0);
    call(store, '1');
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(texts(store)).toEqual(['first', 'that was it']);
  });
});
