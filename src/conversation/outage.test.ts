import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answer, call, controlledTurns } from '../../test/support/controlled-turns.ts';
import { FAMILY, MAIN } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { formatStatus, readStatus } from '../operations/status.ts';
import type { OutputFrame } from '../protocol/turn.ts';
import type { Store } from '../store/store.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What the chat was told, in order. */
const said = (store: Store, chatJid: string): string[] => {
  const texts: string[] = [];
  for (let heads = store.outbox.heads(); heads.length > 0; heads = store.outbox.heads()) {
    for (const row of heads) {
      if (row.chatJid === chatJid) texts.push(wordsOf(row.message));
      store.outbox.settle(row.seq, 'sent', 0);
    }
  }
  return texts;
};

/** A group chat whose turns fail as long as the model's service is away. */
function outage(frame: Partial<OutputFrame> = {}) {
  const rig = controlledTurns();
  const { store, acts } = rig;
  store.groups.add(MAIN, 0);
  store.groups.add(FAMILY, 0);
  store.chats.note({ jid: FAMILY.jid, name: 'Family', isGroup: true });
  let ended = 0;
  /** Lets every turn that starts within a time fail. */
  const pass = async (ms: number): Promise<void> => {
    const step = Math.min(ms, 5 * SECOND);
    for (let passed = 0; passed < ms; passed += step) {
      for (; ended < acts.length; ended++) {
        const act = acts[ended];
        await act?.say({ status: 'error', error: 'no', errorKind: 'overloaded', ...frame });
        act?.end({ exitCode: 1, error: 'exit code 1' });
      }
      await vi.advanceTimersByTimeAsync(step);
    }
  };
  return { ...rig, pass };
}

describe('a question while the model’s service is unavailable', () => {
  it('waits with back-off, without a sandbox meanwhile, and is answered when the service is back', async () => {
    const { store, agent, acts, pass } = outage();
    call(store, '1', '@Andy what now?', FAMILY.jid);
    await pass(10 * MINUTE);
    expect(agent.atWork.size).toBe(0);
    const tries = acts.length;
    expect(tries).toBeGreaterThan(4);
    expect(tries).toBeLessThan(8);
    expect(said(store, FAMILY.jid)).toEqual([
      '⏳ The model’s service is overloaded. I keep trying for up to an hour and answer as soon as it works.',
    ]);
    expect(said(store, MAIN.jid)).toEqual([]);
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    await vi.waitFor(() => expect(acts).toHaveLength(tries + 1));
    await acts.at(-1)?.say(answer('now it works'));
    expect(said(store, FAMILY.jid).at(-1)).toBe('now it works');
  });

  it('is closed after an hour with a notice that names and quotes it', async () => {
    const { store, acts, pass } = outage();
    call(store, '1', '@Andy what now?', FAMILY.jid);
    await pass(HOUR - MINUTE);
    expect(store.messages.cursor(FAMILY.jid)).toBe(0);
    said(store, FAMILY.jid);
    await pass(3 * MINUTE);
    expect(store.messages.cursor(FAMILY.jid)).toBe(1);
    const notice = store.outbox.heads().find(({ chatJid }) => chatJid === FAMILY.jid)?.message;
    expect(notice).toMatchObject({
      text: expect.stringMatching(/for Ann \(“@Andy what now\?”\): the model’s service is overloaded/),
      quoted: { id: '1', text: '@Andy what now?' },
    });
    const tries = acts.length;
    await pass(HOUR);
    expect(acts).toHaveLength(tries);
  });

  it('is closed with a notice that names it in a chat of two as well', async () => {
    const { store, pass } = outage();
    call(store, '1', '@Andy what now?');
    await pass(HOUR + 2 * MINUTE);
    expect(said(store, MAIN.jid).at(-1)).toMatch(/for “@Andy what now\?”: the model’s service is overloaded/);
  });

  it('says nothing of an outage that is over at the third try', async () => {
    const { store, acts, pass } = outage();
    call(store, '1', '@Andy hi', FAMILY.jid);
    await pass(20 * SECOND);
    expect(acts.length).toBe(2);
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    await vi.waitFor(() => expect(acts).toHaveLength(3));
    await acts[2]?.say(answer('there'));
    expect(said(store, FAMILY.jid)).toEqual(['there']);
  });

  it('waits as long as the service asks to, and says so at once', async () => {
    const { store, acts, pass } = outage({ errorKind: 'rate_limit', retryAfterSeconds: 40 * 60 });
    call(store, '1', '@Andy hi', FAMILY.jid);
    await pass(39 * MINUTE);
    expect(acts).toHaveLength(1);
    expect(said(store, FAMILY.jid)).toEqual([expect.stringMatching(/The limit .* is reached/)]);
    await pass(2 * MINUTE);
    expect(acts.length).toBeGreaterThan(1);
  });

  it('is closed at once when the service asks to wait for longer than an hour', async () => {
    const { store, pass } = outage({ errorKind: 'rate_limit', retryAfterSeconds: 3 * 60 * 60 });
    call(store, '1', '@Andy hi', FAMILY.jid);
    await pass(MINUTE);
    expect(store.messages.cursor(FAMILY.jid)).toBe(1);
    expect(said(store, FAMILY.jid)).toEqual([expect.stringMatching(/Try again in 3 hours/)]);
  });

  it('is tried again when the clock was set back meanwhile', async () => {
    const { store, acts, pass } = outage();
    call(store, '1', '@Andy hi', FAMILY.jid);
    await pass(10 * MINUTE);
    const tries = acts.length;
    vi.setSystemTime(Date.now() - 5 * HOUR);
    await pass(11 * MINUTE);
    expect(acts.length).toBeGreaterThan(tries);
  });

  it('waits no longer, and is told of no second time, when the first of several questions is deleted', async () => {
    const { store, pass } = outage();
    store.transaction(() => {
      call(store, '1', '@Andy what now?', FAMILY.jid);
      call(store, '2', '@Andy and then?', FAMILY.jid);
    });
    await pass(20 * MINUTE);
    expect(said(store, FAMILY.jid)).toHaveLength(1);
    store.messages.erase(FAMILY.jid, '1', 1, Date.now());
    await pass(30 * MINUTE);
    expect(said(store, FAMILY.jid)).toEqual([]);
    await pass(15 * MINUTE);
    expect(store.messages.cursor(FAMILY.jid)).toBe(2);
    expect(said(store, FAMILY.jid)).toEqual([expect.stringMatching(/and then\?.*overloaded/)]);
  });

  it('keeps what another cause has left of the tries', async () => {
    const { store, acts, started, pass } = outage();
    call(store, '1', '@Andy hi', FAMILY.jid);
    await pass(2 * MINUTE);
    const before = acts.length;
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    const act = await started(before + 1);
    act.end({ exitCode: 1, error: 'crash' });
    await vi.advanceTimersByTimeAsync(6 * SECOND);
    const again = await started(before + 2);
    expect(store.messages.cursor(FAMILY.jid)).toBe(0);
    await again.say(answer('there'));
    expect(said(store, FAMILY.jid).at(-1)).toBe('there');
  });

  it.each([
    ['waits too when it was a follow-up of a turn that has answered', false, 2],
    ['is closed at once when the turn that has answered has also sent something by a tool', true, 1],
  ])('%s', async (_, usesTool, turns) => {
    const { store, agent, acts, started, given } = controlledTurns({ idleTimeoutMs: 30 * MINUTE });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await act.say(answer('one'));
    const message = { kind: 'text', text: 'by a tool' } as const;
    const runId = agent.requests[0]?.runId;
    if (usesTool) store.outbox.add({ chatJid: MAIN.jid, message, source: 'message', runId }, 0);
    call(store, '2', '@Andy what now?');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say({ status: 'error', error: 'no', errorKind: 'overloaded' });
    act.end({ exitCode: 1, error: 'exit code 1' });
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(acts).toHaveLength(turns);
    expect(store.messages.cursor(MAIN.jid)).toBe(usesTool ? 2 : 1);
    expect(said(store, MAIN.jid).some((text) => text.includes('did not work'))).toBe(usesTool);
  });

  it('is shown by the status', async () => {
    const { store, pass, queueTask } = outage();
    vi.setSystemTime(Date.UTC(2026, 0, 1, 12));
    call(store, '1', '@Andy hi', FAMILY.jid);
    queueTask(MAIN);
    await pass(MINUTE);
    const status = readStatus(store, 1, Date.now(), [], '2.3000');
    expect(status.modelUnavailable).toMatchObject({ chats: 1, tasks: 1 });
    expect(formatStatus(status, 'UTC', Date.now())).toMatch(
      /Model {5}service unavailable since .* 12:00.*: 1 chat and 1 task waiting/,
    );
  });
});

it('a task waits for the model’s service too, and its chat is told nothing until it is closed', async () => {
  const { store, pass, queueTask } = outage();
  queueTask(FAMILY);
  await pass(30 * MINUTE);
  expect(store.runs.queued()).toHaveLength(1);
  expect(said(store, FAMILY.jid)).toEqual([]);
  await pass(35 * MINUTE);
  expect(store.runs.queued()).toEqual([]);
  expect(said(store, FAMILY.jid)).toEqual([
    expect.stringMatching(/did not work: the model’s service is overloaded/),
  ]);
});
