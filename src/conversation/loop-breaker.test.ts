import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { FAMILY, newMessage, testStore } from '../../test/support/test-store.ts';
import type { OutboxSource } from '../store/outbox.ts';
import { FAST, LoopBreaker, loopOf, SLOW } from './loop-breaker.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = Date.UTC(2026, 0, 1, 12, 30);
const BOT = 'bot@s.whatsapp.net';
const ANN = 'ann@s.whatsapp.net';

/** A talk in which every answer, one each `everyMs`, is followed by a call after `pauseMs`. */
function talk(answers: number, everyMs: number, pauseMs: number, sender = BOT) {
  const times = Array.from({ length: answers }, (_, n) => START + n * everyMs);
  const calls = times.map((at) => ({ sender, at: at + pauseMs }));
  const call = calls.pop() ?? { sender, at: START };
  return { times, calls, call };
}

const MOST_ANSWERS = FAST.answers;

describe('the loop guard', () => {
  it('detects a sender who triggers right after each of ten answers within five minutes', () => {
    const { times, calls, call } = talk(MOST_ANSWERS, 20 * SECOND, 3 * SECOND);
    expect(loopOf(times, calls, call)).toBe(FAST);
  });

  it.each([
    ['of nine answers', talk(9, 20 * SECOND, 3 * SECOND)],
    ['over more than five minutes', talk(10, 40 * SECOND, 3 * SECOND)],
    ['with time to think', talk(10, 25 * SECOND, 15 * SECOND)],
    ['of nothing at all', talk(0, 1, 1)],
  ])('does not detect a loop in a talk %s', (_, { times, calls, call }) => {
    expect(loopOf(times, calls, call)).toBeUndefined();
  });

  it('detects a sender who triggers within a minute of each of thirty answers within two hours', () => {
    const { times, calls, call } = talk(SLOW.answers, 70 * SECOND, 40 * SECOND);
    expect(loopOf(times, calls, call)).toBe(SLOW);
    const other = { sender: ANN, at: START + 50 * SECOND };
    expect(loopOf(times, [...calls, other], call)).toBeUndefined();
  });

  it.each([
    ['of 29 answers', talk(29, 70 * SECOND, 40 * SECOND)],
    ['over more than two hours', talk(30, 260 * SECOND, 40 * SECOND)],
    ['with a minute and more to think', talk(30, 180 * SECOND, 70 * SECOND)],
  ])('does not detect a loop in a slow talk %s', (_, { times, calls, call }) => {
    expect(loopOf(times, calls, call)).toBeUndefined();
  });

  it('does not detect a loop in which other people triggered too', () => {
    const { times, calls, call } = talk(MOST_ANSWERS, 20 * SECOND, 3 * SECOND);
    const other = { sender: ANN, at: START + 50 * SECOND };
    expect(loopOf(times, [...calls, other], call)).toBeUndefined();
  });

  it('detects a loop with timestamps of whole seconds too', () => {
    const { times, calls, call } = talk(MOST_ANSWERS, 20 * SECOND, -900);
    expect(loopOf(times, calls, call)).toBe(FAST);
  });
});

function rig() {
  const store = testStore();
  store.groups.add(FAMILY, 0);
  const { log, lines } = rememberingLog();
  let now = START;
  const clock = { now: () => now };
  const breaker = new LoopBreaker({ store, clock, log, timezone: 'Europe/Berlin' });
  let count = 0;
  return {
    store,
    lines,
    pass: (ms: number) => {
      now += ms;
    },
    /** Somebody calls; unless the chat rests it is answered two seconds later. @returns whether it rests */
    call: (senderJid: string, fromMe = false, source: OutboxSource = 'reply') => {
      const id = `m${++count}`;
      const message = {
        id,
        chatJid: FAMILY.jid,
        senderJid,
        senderName: 'Bot',
        text: '@Andy',
        timestamp: now,
      };
      const rests = breaker.rests({ ...message, fromMe });
      store.messages.add(
        newMessage({ ...message, sender: senderJid, fromMe, isTrigger: !rests, isContext: rests }),
      );
      if (rests) return true;
      const run = {
        id,
        folder: FAMILY.folder,
        chatJid: FAMILY.jid,
        attempt: 1,
        firstSeq: count,
        lastSeq: count,
      };
      store.runs.startChat(run, now);
      now += 2 * SECOND;
      for (const text of ['part 1', 'part 2'])
        store.outbox.add({ chatJid: FAMILY.jid, message: { kind: 'text', text }, source, runId: id }, now);
      return false;
    },
  };
}

describe('a chat with an assistant of another make', () => {
  it('is muted after ten answers, says so once, and continues after a while', () => {
    const { call, pass, lines, store } = rig();
    const rested = Array.from({ length: 14 }, () => {
      pass(3 * SECOND);
      return call(BOT);
    });
    expect(rested.filter((rests) => !rests)).toHaveLength(MOST_ANSWERS);
    expect(rested.slice(MOST_ANSWERS)).toEqual([true, true, true, true]);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'A sender called after every answer: the chat rests'],
    ]);
    const said = store.outbox.counts().get('queued');
    expect(said).toBe(2 * MOST_ANSWERS + 1);
    pass(16 * MINUTE);
    expect(call(BOT)).toBe(false);
  });

  it('is muted after thirty slow answers', () => {
    const { call, pass, lines } = rig();
    const rested = Array.from({ length: SLOW.answers + 1 }, () => {
      pass(40 * SECOND);
      return call(BOT);
    });
    expect(rested.indexOf(true)).toBe(SLOW.answers);
    expect(lines).toHaveLength(1);
  });

  it.each(['message', 'notice'] as const)('is muted too where the answers are of the kind %s', (source) => {
    const { call, pass } = rig();
    const rested = Array.from({ length: MOST_ANSWERS + 1 }, () => {
      pass(3 * SECOND);
      return call(BOT, false, source);
    });
    expect(rested.filter((rests) => rests)).toHaveLength(1);
  });

  it('still answers other people meanwhile', () => {
    const { call, pass } = rig();
    for (let n = 0; n <= MOST_ANSWERS; n++) {
      pass(3 * SECOND);
      call(BOT);
    }
    expect(call(ANN)).toBe(false);
    expect(call(BOT)).toBe(true);
  });

  it('never mutes the owner', () => {
    const { call, pass } = rig();
    for (let n = 0; n < 20; n++) {
      pass(3 * SECOND);
      expect(call(ANN, true)).toBe(false);
    }
  });
});

it('the notice about a muted sender names the sender and the time of day', () => {
  const { call, pass, store } = rig();
  for (let n = 0; n <= MOST_ANSWERS; n++) {
    pass(3 * SECOND);
    call(BOT);
  }
  for (let seq = 1; seq <= 2 * MOST_ANSWERS; seq++) store.outbox.settle(seq, 'sent', START);
  expect(store.outbox.heads()[0]?.message).toEqual({
    kind: 'text',
    text: '⏸️ I have answered Bot 10 times in 5 minutes, and each answer brought the next call. I rest until 13:45. Write again then.',
  });
});
