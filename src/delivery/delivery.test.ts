import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter, FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { type LineState, type Outgoing, type SendOutcome, wordsOf } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Delivery } from './delivery.ts';
import { Restriction } from './restriction.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

class ScriptedLine {
  state: LineState = { status: 'open' };
  readonly sent: { chat: string; text: string; wireId: string }[] = [];
  readonly newWireId = counter('WIRE');
  #answer: (chat: string) => Promise<SendOutcome> = async () => ({ kind: 'acked' });

  answer(answer: (chat: string) => Promise<SendOutcome>): void {
    this.#answer = answer;
  }

  async send(chat: string, message: Outgoing, wireId: string): Promise<SendOutcome> {
    this.sent.push({ chat, text: wordsOf(message), wireId });
    return this.#answer(chat);
  }
}

function rig(ownNumber = true) {
  const directory = temporaryDirectory();
  const store = testStore(directory, 0);
  store.groups.add(MAIN, 0);
  store.groups.add(FAMILY, 0);
  const line = new ScriptedLine();
  const clock = { now: () => Date.now() };
  const restriction = new Restriction(store, clock, silentLog);
  const options = {
    store,
    channel: line,
    clock,
    restriction,
    log: silentLog,
    presentation: { assistantName: 'Andy', ownNumber },
    timings: DEFAULT_TIMINGS,
  };
  const delivery = new Delivery(options);
  onTestFinished(() => delivery.stop());
  store.bells.on('outbox', () => delivery.wake());
  const add = (chatJid: string, text: string): number =>
    store.outbox.add({ chatJid, message: { kind: 'text', text }, source: 'reply' }, 0);
  const count = (status: 'sent' | 'failed' | 'unknown' | 'queued' | 'sending'): number =>
    store.outbox.counts().get(status) ?? 0;
  /** The platform refuses what goes to a chat, and the channel says why. */
  const restrict = (chatJid: string): void =>
    line.answer(async (chat) => {
      if (chat !== chatJid) return { kind: 'acked' };
      restriction.report('restricted');
      return { kind: 'refused', code: 463, reason: 'restricted', restricted: true };
    });
  /** @returns what ends the lock that somebody else has on the database now */
  const lock = (): (() => void) => {
    const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    operator.exec('BEGIN IMMEDIATE');
    return () => void operator.close();
  };
  return { store, line, delivery, options, restriction, restrict, add, count, lock };
}

describe('the delivery', () => {
  it('sends each chat’s rows in order, and a row is sent when the server has it', async () => {
    const { line, add, count } = rig();
    for (const text of ['1', '2', '3']) add(FAMILY.jid, text);
    await vi.waitFor(() => expect(count('sent')).toBe(3));
    expect(line.sent.map(({ text }) => text)).toEqual(['1', '2', '3']);
  });

  it('puts the assistant’s name before its text on a shared number only', async () => {
    const shared = rig(false);
    shared.add(FAMILY.jid, 'hi');
    await vi.waitFor(() => expect(shared.count('sent')).toBe(1));
    const own = rig(true);
    own.add(FAMILY.jid, 'hi');
    await vi.waitFor(() => expect(own.count('sent')).toBe(1));
    expect([shared.line.sent[0]?.text, own.line.sent[0]?.text]).toEqual(['Andy: hi', 'hi']);
  });

  it('puts the name on a line of its own where the text begins with formatting', async () => {
    const { line, add, count } = rig(false);
    for (const text of ['# Title', '- one', '```\ncode\n```', '2026 was good']) add(FAMILY.jid, text);
    await vi.waitFor(() => expect(count('sent')).toBe(4));
    expect(line.sent.map(({ text }) => text)).toEqual([
      'Andy:\n# Title',
      'Andy:\n- one',
      'Andy:\n```\ncode\n```',
      'Andy: 2026 was good',
    ]);
  });

  it('waits while WhatsApp is disconnected, and continues after the reconnect', async () => {
    const { line, add, delivery, count } = rig();
    line.state = { status: 'connecting' };
    add(FAMILY.jid, 'later');
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.sent).toEqual([]);
    line.state = { status: 'open' };
    delivery.wake();
    await vi.waitFor(() => expect(count('sent')).toBe(1));
  });

  it('is not held up in one chat by another that never answers', async () => {
    const { line, add, count } = rig();
    let release: (outcome: SendOutcome) => void = () => undefined;
    line.answer((chat) =>
      chat === FAMILY.jid
        ? new Promise((resolve) => {
            release = resolve;
          })
        : Promise.resolve({ kind: 'acked' }),
    );
    add(FAMILY.jid, 'stuck');
    add(MAIN.jid, 'free');
    await vi.waitFor(() => expect(count('sent')).toBe(1));
    expect(count('sending')).toBe(1);
    release({ kind: 'acked' });
    await vi.waitFor(() => expect(count('sent')).toBe(2));
  });

  const FILE: Outgoing = {
    kind: 'file',
    path: '/copy',
    bytes: 1,
    as: 'document',
    mimeType: 'text/plain',
    fileName: 'a.txt',
  };

  it('is not held up by files of other chats, however many of them never arrive', async () => {
    const { store, line, add, count } = rig();
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    line.answer(async (chat) => {
      if (chat.startsWith('file')) await arrived;
      return { kind: 'acked' };
    });
    for (let n = 0; n < 8; n += 1) {
      store.outbox.add({ chatJid: `file-${n}@g.us`, message: FILE, source: 'message' }, 0);
    }
    add(MAIN.jid, 'free');
    await vi.waitFor(() => expect(count('sending')).toBeGreaterThan(0));
    add(FAMILY.jid, 'free too');
    onTestFinished(arrive);
    await vi.waitFor(() => expect(count('sent')).toBe(2));
  });

  it('lets a file that cannot be uploaded delay its chat for minutes only', async () => {
    const { store, line, add, count } = rig();
    line.answer(async () =>
      line.sent.at(-1)?.text === 'a.txt' ? { kind: 'not_sent', reason: 'no upload' } : { kind: 'acked' },
    );
    store.outbox.add({ chatJid: FAMILY.jid, message: FILE, source: 'message' }, 0);
    add(FAMILY.jid, 'the answer');
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    await vi.waitFor(() => expect(count('failed')).toBe(1));
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid).at(-1)?.text).toBe('the answer');
    expect(line.sent.filter(({ chat }) => chat === MAIN.jid)).toMatchObject([
      { text: expect.stringMatching(/no upload/) },
    ]);
  });

  it('sends again under the same id when no answer came, three times at most, then notifies the owner once', async () => {
    const { line, add, count } = rig();
    line.answer(async (chat) =>
      chat === FAMILY.jid ? { kind: 'unconfirmed', reason: 'no ack' } : { kind: 'acked' },
    );
    add(FAMILY.jid, 'lost?');
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await vi.waitFor(() => expect(count('unknown')).toBe(1));
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    const inFamily = line.sent.filter(({ chat }) => chat === FAMILY.jid);
    expect(inFamily).toHaveLength(3);
    expect(new Set(inFamily.map(({ wireId }) => wireId)).size).toBe(1);
    const inMain = line.sent.filter(({ chat }) => chat === MAIN.jid);
    expect(inMain.map(({ text }) => text)).toEqual([
      expect.stringMatching(/Family may not have arrived.*lost\?/),
    ]);
  });

  it('never sends again what the server refused', async () => {
    const { line, add, count } = rig();
    line.answer(async (chat) =>
      chat === FAMILY.jid ? { kind: 'refused', code: 463, reason: '463' } : { kind: 'acked' },
    );
    add(FAMILY.jid, 'no');
    await vi.waitFor(() => expect(count('failed')).toBe(1));
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid)).toHaveLength(1);
  });

  it('sends nothing more to a chat after a restriction refused a message there, and does not report each one', async () => {
    const { line, restrict, add, count } = rig();
    restrict(FAMILY.jid);
    for (const text of ['1', '2', '3']) add(FAMILY.jid, text);
    await vi.waitFor(() => expect(count('failed')).toBe(3));
    add(FAMILY.jid, '4');
    await vi.waitFor(() => expect(count('failed')).toBe(4));
    add(MAIN.jid, 'free');
    await vi.waitFor(() => expect(count('sent')).toBe(2));
    expect(line.sent.map(({ chat, text }) => [chat, text])).toEqual([
      [FAMILY.jid, '1'],
      [MAIN.jid, expect.stringContaining('restricted')],
      [MAIN.jid, 'free'],
    ]);
  });

  it('knows after a restart which chats a restriction forbids', async () => {
    const { line, restrict, add, count, options, delivery } = rig();
    restrict(FAMILY.jid);
    add(FAMILY.jid, '1');
    await vi.waitFor(() => expect(count('failed')).toBe(1));
    await delivery.stop();
    add(FAMILY.jid, '2');
    const restriction = new Restriction(options.store, options.clock, silentLog);
    const next = new Delivery({ ...options, restriction });
    onTestFinished(() => next.stop());
    next.wake();
    await vi.waitFor(() => expect(count('failed')).toBe(2));
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid)).toHaveLength(1);
  });

  it.each(['is lifted', 'does not hold for who wrote there meanwhile'])(
    'sends to such a chat again when the restriction %s',
    async (how) => {
      const { line, restrict, restriction, add, count } = rig();
      restrict(FAMILY.jid);
      for (const text of ['1', '2']) add(FAMILY.jid, text);
      await vi.waitFor(() => expect(count('failed')).toBe(2));
      line.answer(async () => ({ kind: 'acked' }));
      if (how === 'is lifted') restriction.report(undefined);
      else restriction.heardFrom(FAMILY.jid);
      add(FAMILY.jid, '3');
      await vi.waitFor(() => expect(line.sent.map(({ text }) => text)).toContain('3'));
      expect(line.sent.map(({ text }) => text)).not.toContain('2');
    },
  );

  it('sends five rows to a chat at once and then one a second, and other chats continue', async () => {
    const { line, add, count } = rig();
    for (let n = 0; n < 8; n += 1) add(FAMILY.jid, `${n}`);
    add(MAIN.jid, 'free');
    await vi.waitFor(() => expect(count('sent')).toBe(6));
    expect(line.sent.map(({ text }) => text)).toContain('free');
    await vi.advanceTimersByTimeAsync(3 * SECOND);
    await vi.waitFor(() => expect(count('sent')).toBe(9));
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid).map(({ text }) => text)).toEqual([
      ...'01234567',
    ]);
  });

  it('sends answers to people before messages that nobody waits for', async () => {
    const { store, line, add, delivery, count } = rig();
    line.state = { status: 'connecting' };
    for (let n = 0; n < 6; n += 1) {
      const message = { kind: 'text', text: 'news' } as const;
      store.outbox.add({ chatJid: `chat-${n}@g.us`, message, source: 'message' }, 0);
    }
    add(FAMILY.jid, 'answer');
    line.state = { status: 'open' };
    delivery.wake();
    await vi.waitFor(() => expect(count('sent')).toBe(7));
    expect(line.sent[0]?.text).toBe('answer');
  });

  it('sends a row once when its chat gets another address meanwhile', async () => {
    const { store, line, add, count, delivery } = rig();
    let arrive: (outcome: SendOutcome) => void = () => undefined;
    line.answer(() => new Promise((resolve) => (arrive = resolve)));
    add('123@lid', 'first');
    add('123@lid', 'second');
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    store.transaction(() => store.samePerson.merge('123@lid', '49151@s.whatsapp.net'));
    delivery.wake();
    expect(line.sent).toHaveLength(1);
    line.answer(async () => ({ kind: 'acked' }));
    arrive({ kind: 'acked' });
    await vi.waitFor(() => expect(count('sent')).toBe(2));
    expect(line.sent.map(({ text }) => text)).toEqual(['first', 'second']);
  });

  it('does not send an arrived row again when the database could not save that', async () => {
    const { store, line, add, count } = rig();
    const settle = vi.spyOn(store.outbox, 'settle').mockImplementation(() => {
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    });
    add(FAMILY.jid, 'once');
    await vi.advanceTimersByTimeAsync(60 * SECOND);
    expect(count('sending')).toBe(1);
    settle.mockRestore();
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    await vi.waitFor(() => expect(count('sent')).toBe(1));
    expect(line.sent).toHaveLength(1);
  });

  it('does not send a refused row again when neither the refusal nor the restriction could be stored', async () => {
    const { store, line, restriction, delivery, add, count, lock } = rig();
    line.answer(async () => {
      const unlock = lock();
      const late: (() => void)[] = [];
      restriction.report('restricted', (write) => void late.push(write));
      setTimeout(() => {
        unlock();
        for (const write of late) write();
      }, 5 * SECOND);
      return { kind: 'refused', code: 463, reason: 'restricted', restricted: true };
    });
    for (const text of ['1', '2']) add(FAMILY.jid, text);
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    line.answer(async () => ({ kind: 'acked' }));
    await vi.advanceTimersByTimeAsync(MINUTE);
    await vi.waitFor(() => expect(count('failed')).toBe(2));
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid)).toHaveLength(1);
    expect(store.state.get('restriction:chats')).toBe(FAMILY.jid);
    await delivery.stop();
  });

  it('a stop saves what is known of a send and could not be stored until then', async () => {
    const { line, delivery, add, count, lock } = rig();
    let unlock = (): void => undefined;
    line.answer(async () => {
      unlock = lock();
      return { kind: 'acked' };
    });
    add(FAMILY.jid, '1');
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    await new Promise((resolve) => setImmediate(resolve));
    unlock();
    await delivery.stop();
    expect(count('sent')).toBe(1);
  });

  it('sends again after its pause, by however many minutes the clock is set back in it', async () => {
    const { line, options, add, store, count } = rig();
    let setBack = 0;
    const started = Date.now();
    const clock = { now: () => Date.now() - setBack, elapsed: () => Date.now() - started };
    const next = new Delivery({ ...options, clock });
    onTestFinished(() => next.stop());
    line.answer(async () => ({ kind: 'unconfirmed', reason: 'no answer' }));
    store.bells.silence();
    add(FAMILY.jid, 'x');
    next.wake();
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    await new Promise((resolve) => setImmediate(resolve));
    setBack = 50 * MINUTE;
    line.answer(async () => ({ kind: 'acked' }));
    next.wake();
    await vi.advanceTimersByTimeAsync(11 * SECOND);
    await vi.waitFor(() => expect(count('sent')).toBe(1));
  });

  it('does not wait for a time that was set by a clock which was set back since', async () => {
    const { store, line, add, count, delivery, options } = rig();
    line.answer(async () => ({ kind: 'not_sent', reason: 'not connected' }));
    const seq = add(FAMILY.jid, 'x');
    await vi.waitFor(() => expect(line.sent).toHaveLength(1));
    store.outbox.beginSend(seq, 'WIRE');
    store.outbox.requeue(seq, { notBefore: Date.now() + 48 * 60 * 60 * SECOND, sends: 0, error: 'x' });
    line.answer(async () => ({ kind: 'acked' }));
    await delivery.stop();
    // An earlier process stored it: this one knows nothing of how long it is to wait.
    const next = new Delivery(options);
    onTestFinished(() => next.stop());
    next.wake();
    await vi.waitFor(() => expect(count('sent')).toBe(1));
  });

  it('does not count a send that never left this machine', async () => {
    const { line, add, count } = rig();
    line.answer(async () => ({ kind: 'not_sent', reason: 'not connected' }));
    add(FAMILY.jid, 'x');
    for (let n = 0; n < 6; n++) await vi.advanceTimersByTimeAsync(6 * SECOND);
    line.answer(async () => ({ kind: 'acked' }));
    await vi.advanceTimersByTimeAsync(MINUTE);
    await vi.waitFor(() => expect(count('sent')).toBe(1));
    expect(new Set(line.sent.map(({ wireId }) => wireId)).size).toBe(1);
  });

  it('retries a chat that takes nothing ever more rarely while the connection is open, then notifies the owner', async () => {
    const { line, add, count } = rig();
    line.answer(async (chat) =>
      chat === FAMILY.jid ? { kind: 'not_sent', reason: 'not in that group' } : { kind: 'acked' },
    );
    add(FAMILY.jid, 'gone');
    await vi.advanceTimersByTimeAsync(3 * HOUR);
    await vi.waitFor(() => expect(count('failed')).toBe(1));
    expect(line.sent.filter(({ chat }) => chat === FAMILY.jid)).toHaveLength(10);
    expect(line.sent.filter(({ chat }) => chat === MAIN.jid)).toMatchObject([
      { text: expect.stringMatching(/not in that group/) },
    ]);
  });

  it('continues after a restart with a row found sending, under its id', async () => {
    const { store, line, add, count, delivery } = rig();
    line.state = { status: 'connecting' };
    const seq = add(FAMILY.jid, 'half sent');
    store.outbox.beginSend(seq, 'OLD-ID');
    line.state = { status: 'open' };
    delivery.wake();
    await vi.waitFor(() => expect(count('sent')).toBe(1));
    expect(line.sent).toMatchObject([{ wireId: 'OLD-ID' }]);
  });

  it('starts nothing more when it is stopped', async () => {
    const { line, add, delivery } = rig();
    await delivery.stop();
    add(FAMILY.jid, 'x');
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.sent).toEqual([]);
  });
});
