import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { counter, FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import type { LineState, Outgoing, SendOutcome } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import { Delivery } from './delivery.ts';

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
    this.sent.push({ chat, text: message.text, wireId });
    return this.#answer(chat);
  }
}

function rig(ownNumber = true) {
  const store = testStore();
  store.groups.add(MAIN, 0);
  store.groups.add(FAMILY, 0);
  const line = new ScriptedLine();
  const options = {
    store,
    channel: line,
    clock: { now: () => Date.now() },
    log: silentLog,
    presentation: { assistantName: 'Andy', ownNumber },
  };
  const delivery = new Delivery(options);
  onTestFinished(() => delivery.stop());
  store.bells.on('outbox', () => delivery.wake());
  const add = (chatJid: string, text: string): number =>
    store.outbox.add({ chatJid, message: { kind: 'text', text }, source: 'reply' }, 0);
  const count = (status: 'sent' | 'failed' | 'unknown' | 'queued' | 'sending'): number =>
    store.outbox.counts().get(status) ?? 0;
  return { store, line, delivery, options, add, count };
}

describe('the delivery', () => {
  it('sends each chat’s rows in order, and a row is sent when the server has it', async () => {
    const { line, add, count } = rig();
    for (const text of ['1', '2', '3']) add(FAMILY.jid, text);
    await vi.waitFor(() => expect(count('sent')).toBe(3));
    expect(line.sent.map(({ text }) => text)).toEqual(['1', '2', '3']);
  });

  it('says whose words they are on a shared number only', async () => {
    const shared = rig(false);
    shared.add(FAMILY.jid, 'hi');
    await vi.waitFor(() => expect(shared.count('sent')).toBe(1));
    const own = rig(true);
    own.add(FAMILY.jid, 'hi');
    await vi.waitFor(() => expect(own.count('sent')).toBe(1));
    expect([shared.line.sent[0]?.text, own.line.sent[0]?.text]).toEqual(['Andy: hi', 'hi']);
  });

  it('waits while the line is away, and goes on when it is back', async () => {
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

  it('sends again under the same id when no answer came, three times at most, then tells the owner once', async () => {
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

  it('gives a chat up that takes nothing although the line is open, ever more rarely asked, and tells the owner', async () => {
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

  it('of another process goes on with a row found sending, under its id', async () => {
    const { store, line, add, count, delivery } = rig();
    line.state = { status: 'connecting' };
    const seq = add(FAMILY.jid, 'half sent');
    store.outbox.beginSend(seq, 'OLD-ID');
    line.state = { status: 'open' };
    delivery.wake();
    await vi.waitFor(() => expect(count('sent')).toBe(1));
    expect(line.sent).toMatchObject([{ wireId: 'OLD-ID' }]);
  });

  it('that is stopped starts nothing more', async () => {
    const { line, add, delivery } = rig();
    await delivery.stop();
    add(FAMILY.jid, 'x');
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.sent).toEqual([]);
  });
});
