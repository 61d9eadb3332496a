import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answer, call, controlledTurns } from '../../test/support/controlled-turns.ts';
import { FAMILY, MAIN } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { MINUTE, SECOND } from '../clock.ts';
import type { Store } from '../store/store.ts';

const WORK = { ...FAMILY, jid: 'work@g.us', folder: 'work' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** The host's own words to a chat. */
const notices = (store: Store, chatJid: string): string[] =>
  store.outbox
    .heads()
    .filter((row) => row.chatJid === chatJid && row.source === 'notice')
    .map(({ message }) => wordsOf(message));

describe('a sandbox that waits for follow-ups', () => {
  it('is asked to finish when another chat waits at the limit, the longest idle one first', async () => {
    const { store, agent, started, acts } = controlledTurns({ idleTimeoutMs: 30 * MINUTE });
    for (const group of [MAIN, FAMILY, WORK]) store.groups.add(group, 0);
    for (const [index, { jid }] of [MAIN, FAMILY].entries()) {
      call(store, jid, '@Andy hi', jid);
      const act = await started(index + 1);
      await act.say(answer('done'));
      await vi.advanceTimersByTimeAsync(SECOND);
    }
    expect(agent.finished).toBe(0);
    call(store, 'work', '@Andy hi', WORK.jid);
    await vi.waitFor(() => expect(agent.finished).toBe(1));
    acts[0]?.end();
    await started(3);
    expect(agent.requests[2]?.groupFolder).toBe(WORK.folder);
    expect(agent.finished).toBe(1);
  });

  it('is asked to finish when it becomes idle while another chat waits at the limit', async () => {
    const { store, agent, started } = controlledTurns({ idleTimeoutMs: 30 * MINUTE, mostAtOnce: 1 });
    for (const group of [MAIN, FAMILY]) store.groups.add(group, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2', '@Andy hi', FAMILY.jid);
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(agent.finished).toBe(0);
    await act.say(answer('done'));
    await vi.waitFor(() => expect(agent.finished).toBe(1));
  });

  it('makes room for a task at the limit too', async () => {
    const { store, agent, started, queueTask } = controlledTurns({
      idleTimeoutMs: 30 * MINUTE,
      mostAtOnce: 1,
    });
    for (const group of [MAIN, FAMILY]) store.groups.add(group, 0);
    call(store, '1');
    await (await started(1)).say(answer('done'));
    expect(agent.finished).toBe(0);
    queueTask(FAMILY);
    await vi.waitFor(() => expect(agent.finished).toBe(1));
  });

  it('stays when what waits is a task that the place would not let start', async () => {
    const { store, agent, started, queueTask } = controlledTurns({ idleTimeoutMs: 30 * MINUTE });
    for (const group of [MAIN, FAMILY, WORK]) store.groups.add(group, 0);
    call(store, '1');
    await (await started(1)).say(answer('done'));
    queueTask(FAMILY);
    await started(2);
    queueTask(WORK);
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(agent.finished).toBe(0);
  });
});

describe('a sandbox that was asked to finish after its answer', () => {
  it('is ended when it writes nothing for the grace period, and its turn is a success', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    await (await started(1)).say(answer('done'));
    expect(agent.finished).toBe(1);
    agent.quietMs = 20 * SECOND;
    await vi.advanceTimersByTimeAsync(35 * SECOND);
    expect(agent.atWork.size).toBe(1);
    agent.quietMs = 30 * SECOND;
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    expect(notices(store, MAIN.jid)).toEqual([]);
    expect(store.runs.tries(MAIN.jid, 1)).toMatchObject([{ status: 'succeeded', exitReason: 'stopped' }]);
  });

  it('is not ended while it works on a follow-up that it has taken', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say({ ...answer('one'), followUps: 0 });
    agent.quietMs = MINUTE;
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(agent.atWork.size).toBe(1);
    await act.say({ ...answer('two'), followUps: 1 });
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(agent.atWork.size).toBe(0);
  });
});

describe('an answer that is followed by a failure of the sandbox', () => {
  it.each([
    ['an exit code', { exitCode: 1, error: 'exit code 1' }],
    ['an end by the host’s deadline', { reason: 'timeout', exitCode: undefined, error: 'too long' }],
  ])('%s is an answer, not a failure', async (_, how) => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await act.say(answer('done'));
    act.end(how);
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    expect(store.runs.tries(MAIN.jid, 1)).toMatchObject([{ status: 'succeeded', error: how.error }]);
    expect(notices(store, MAIN.jid)).toEqual([]);
    expect(agent.requests).toHaveLength(1);
  });

  it('a task that answered and failed then has succeeded and is not run again', async () => {
    const { store, started, queueTask } = controlledTurns();
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    const act = await started(1);
    await act.say(answer('done'));
    act.end({ exitCode: 1, error: 'exit code 1' });
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    expect(store.runs.queued()).toEqual([]);
    expect(store.tasks.find('task-main')?.lastResult).toBe('done');
  });
});

describe('people and tasks at the limit', () => {
  it('tasks leave one place to people where there is more than one', async () => {
    const { store, agent, conversation, started, queueTask } = controlledTurns({ mostAtOnce: 3 });
    const groups = ['a', 'b', 'c', 'd'].map((folder) => ({ ...FAMILY, folder, jid: `${folder}@g.us` }));
    for (const group of groups) store.groups.add(group, 0);
    for (const group of groups.slice(0, 3)) queueTask(group);
    await started(2);
    conversation.wake();
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(agent.requests).toHaveLength(2);
    call(store, '1', '@Andy hi', 'd@g.us');
    await started(3);
    expect(agent.requests[2]).toMatchObject({ groupFolder: 'd', isScheduledTask: false });
  });

  it('a task still runs where there is one place only', async () => {
    const { store, started, queueTask } = controlledTurns({ mostAtOnce: 1 });
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    await started(1);
  });

  it('a person behind a task sees “typing…” at once and one line after ten seconds', async () => {
    const { store, started, queueTask, typing } = controlledTurns();
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    const task = await started(1);
    call(store, '1');
    await vi.waitFor(() => expect(typing).toContain(`${MAIN.jid} true`));
    await vi.advanceTimersByTimeAsync(9 * SECOND);
    expect(notices(store, MAIN.jid)).toEqual([]);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(notices(store, MAIN.jid)).toEqual([expect.stringMatching(/scheduled task is still running/)]);
    task.end();
    await started(2);
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(typing.at(-1)).toBe(`${MAIN.jid} true`);
  });

  it('a person who does not wait for ten seconds is told nothing', async () => {
    const { store, started, queueTask } = controlledTurns();
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    const task = await started(1);
    call(store, '1');
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    task.end();
    await started(2);
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    expect(notices(store, MAIN.jid)).toEqual([]);
  });

  it('a person who waits behind people alone, when the task has ended, is told of no task', async () => {
    const { store, acts, started, queueTask } = controlledTurns();
    const other = { ...FAMILY, jid: 'other@g.us', folder: 'other' };
    for (const group of [MAIN, FAMILY, WORK, other]) store.groups.add(group, 0);
    call(store, '1');
    await started(1);
    queueTask(FAMILY);
    await started(2);
    call(store, '2', '@Andy hi', WORK.jid);
    call(store, '3', '@Andy hi', other.jid);
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    await acts[1]?.say(answer('done'));
    acts[1]?.end();
    await started(3);
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    expect(notices(store, other.jid)).toEqual([]);
  });

  it('“typing…” ends when the message that waits is deleted', async () => {
    const { store, started, queueTask, typing } = controlledTurns();
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    await started(1);
    call(store, '1');
    await vi.waitFor(() => expect(typing).toContain(`${MAIN.jid} true`));
    store.messages.erase(MAIN.jid, '1', 1, 0);
    await vi.waitFor(() => expect(typing.at(-1)).toBe(`${MAIN.jid} false`));
  });
});

describe('a turn that takes long', () => {
  it('is reported after two minutes and every ten from then on', async () => {
    const { store, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    const said = (): number => store.outbox.counts().get('queued') ?? 0;
    await vi.advanceTimersByTimeAsync(2 * MINUTE - SECOND);
    expect(said()).toBe(0);
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(notices(store, MAIN.jid)).toEqual([expect.stringMatching(/Still working on this/)]);
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(said()).toBe(3);
    await act.say(answer('done'));
    act.end();
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(said()).toBe(4);
  });

  it('is not reported while the agent says something itself, and may still be retried', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    await started(1);
    const [{ runId = '' } = {}] = agent.requests;
    await vi.advanceTimersByTimeAsync(MINUTE);
    const message = { kind: 'text', text: 'I look it up' } as const;
    store.outbox.add({ chatJid: MAIN.jid, message, source: 'message', runId }, Date.now());
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(store.outbox.counts().get('queued')).toBe(1);
  });

  it('is reported for a follow-up too, which an answer before it does not cover', async () => {
    const { store, agent, typing, started, given } = controlledTurns({ idleTimeoutMs: 30 * MINUTE });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say({ ...answer('one'), followUps: 0 });
    await vi.advanceTimersByTimeAsync(13 * MINUTE);
    expect(typing.at(-1)).toBe(`${MAIN.jid} true`);
    await act.say({ ...answer('two'), followUps: 1 });
    expect(typing.at(-1)).toBe(`${MAIN.jid} false`);
    const reply = store.outbox.heads().find(({ source }) => source === 'reply');
    store.outbox.settle(reply?.seq ?? 0, 'sent', 0);
    expect(notices(store, MAIN.jid)).toEqual([expect.stringMatching(/Still working on this/)]);
  });

  it('is not an effect of the run when it is reported: the run may be retried', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await vi.advanceTimersByTimeAsync(3 * MINUTE);
    act.end({ exitCode: 1, error: 'x' });
    await vi.advanceTimersByTimeAsync(MINUTE);
    await vi.waitFor(() => expect(agent.requests).toHaveLength(2));
  });
});
