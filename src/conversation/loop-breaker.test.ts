import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { counter, FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { HOUR, MINUTE, SECOND } from '../clock.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { LOOP_REPLIES, LoopBreaker, MUTE_MS } from './loop-breaker.ts';
import { Reception } from './reception.ts';

const START = Date.UTC(2026, 0, 1, 12, 30);
const BOT = 'bot@s.whatsapp.net';
const ANN = 'ann@s.whatsapp.net';

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A chat whose messages are received, answered and delivered. */
function rig({
  chat = FAMILY,
  maxTurnsPerHour = 0,
}: {
  chat?: RegisteredGroup;
  maxTurnsPerHour?: number;
} = {}) {
  const store = testStore();
  store.groups.add(MAIN, 0);
  store.groups.add(chat, 0);
  store.state.set('account', MAIN.jid);
  const { log, lines } = rememberingLog();
  const newId = counter();
  const clock = { now: () => Date.now() };
  const timings = DEFAULT_TIMINGS;
  const loops = new LoopBreaker({
    store,
    clock,
    newId,
    log,
    timezone: 'Europe/Berlin',
    maxTurnsPerHour,
    timings,
  });
  onTestFinished(() => loops.stop());
  const senders = { refresh: () => undefined, judge: () => 'allowed' as const, noteDenied: () => undefined };
  const reception = new Reception({ store, loops, senders, ownPrefix: undefined, clock, log, timings });
  const ids: string[] = [];
  const isWaiting = () => store.messages.waiting().some(({ chatJid }) => chatJid === chat.jid);
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
  const deliver = () => {
    for (const head of store.outbox.heads()) {
      store.outbox.beginSend(head.seq, `wire-${head.seq}`);
      store.outbox.settle(head.seq, 'sent', Date.now());
    }
  };
  return {
    store,
    lines,
    loops,
    pass,
    deliver,
    isWaiting,
    /** The last message gets another text. */
    edit: (senderJid: string, text: string) => {
      const [id = ''] = ids.slice(-1);
      const timestamp = Math.floor(Date.now() / SECOND) * SECOND;
      const edit = {
        kind: 'edit',
        id,
        editId: newId(),
        senderJid,
        senderName: 'Bot',
        fromMe: false,
      } as const;
      reception.onChange({ ...edit, chatJid: chat.jid, text, timestamp });
    },
    /** Somebody triggers. @returns whether the chat waits for an answer now */
    ask: (senderJid = ANN, text = '@Andy go on', fromMe = false) => {
      ids.push(newId());
      const message = { id: ids.at(-1) ?? '', chatJid: chat.jid, senderJid, senderName: 'Bot', text, fromMe };
      const timestamp = Math.floor(Date.now() / SECOND) * SECOND;
      reception.onMessage({ ...message, timestamp, isGroup: true, mentionsAssistant: false });
      return isWaiting();
    },
    /** The first message that waits, and what came until then, is answered; nothing is delivered yet. */
    answer: (frames = 1, upTo?: number) => {
      const waiting = store.messages.waiting().find(({ chatJid }) => chatJid === chat.jid);
      if (waiting === undefined) throw new Error('nobody waits');
      const firstSeq = waiting.firstSeq;
      const lastSeq = upTo ?? firstSeq;
      const run = { id: newId(), folder: chat.folder, chatJid: chat.jid, attempt: 1, firstSeq, lastSeq };
      store.runs.startChat(run, Date.now());
      for (let n = 0; n < frames; n++) {
        const message = { kind: 'text', text: `part ${n}` } as const;
        store.outbox.add({ chatJid: chat.jid, message, source: 'reply', runId: run.id }, Date.now());
      }
      store.messages.moveCursor(chat.jid, lastSeq);
      const end = {
        status: 'succeeded',
        exitReason: 'exited',
        error: undefined,
        logFile: undefined,
      } as const;
      store.runs.end(run.id, end, Date.now());
    },
    /** What the host itself has said, by chat, and what waited before it. */
    notices: (jid = chat.jid) => {
      const texts: string[] = [];
      for (let more = true; more; ) {
        const heads = store.outbox.heads();
        more = heads.length > 0;
        for (const head of heads) {
          if (head.source === 'notice' && head.chatJid === jid) texts.push(wordsOf(head.message));
          store.outbox.settle(head.seq, 'sent', Date.now());
        }
      }
      return texts;
    },
  };
}

type Rig = ReturnType<typeof rig>;

/** @returns in which of so many rounds of question and answer the sender waits, the first of them */
function rounds(
  { ask, answer, deliver, pass }: Rig,
  count: number,
  pauseMs: number,
  sender = BOT,
  frames = 1,
) {
  for (let round = 1; round <= count; round++) {
    if (!ask(sender)) return round;
    pass(3 * SECOND);
    answer(frames);
    deliver();
    pass(pauseMs);
  }
  return undefined;
}

describe('the loop guard', () => {
  it('mutes a sender who triggers within two seconds of each of ten replies, and says so once', () => {
    const all = rig();
    expect(rounds(all, 20, 2 * SECOND)).toBe(LOOP_REPLIES + 1);
    for (let n = 0; n < 4; n++) expect(all.ask(BOT)).toBe(false);
    expect(all.notices()).toEqual([
      '⏸️ Bot wrote to me within two seconds of each of my last 10 replies, so we may be answering each other without end. I go on at 13:45; what Bot asks until then waits.',
    ]);
    expect(all.lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual([
      'A sender triggered right after each reply: muted for a while',
    ]);
  });

  it('counts a sender who triggers before the server has acknowledged the reply', () => {
    const all = rig();
    for (let n = 0; n < LOOP_REPLIES; n++) {
      expect(all.ask(BOT)).toBe(true);
      all.deliver();
      all.pass(20 * SECOND);
      all.answer();
      for (const { seq } of all.store.outbox.heads()) all.store.outbox.beginSend(seq, `early-${seq}`);
    }
    expect(all.ask(BOT)).toBe(false);
  });

  it.each([
    ['who answers a quiz eight seconds after each question', 30, 8 * SECOND, 1],
    ['who is answered thirty times within 33 minutes', 30, 63 * SECOND, 1],
    ['who writes three seconds after each of five messages of an answer', 30, 3 * SECOND, 5],
  ])('never mutes a person %s', (_, count, pauseMs, frames) => {
    expect(rounds(rig(), count, pauseMs, ANN, frames)).toBeUndefined();
  });

  it('never mutes a person whose ten questions came at once and are answered one by one', () => {
    const all = rig();
    for (let n = 0; n < 12; n++) expect(all.ask(ANN)).toBe(true);
    for (let n = 0; n < 12; n++) {
      all.answer();
      all.deliver();
      all.pass(SECOND);
    }
    expect(all.ask(ANN)).toBe(true);
  });

  it('counts an answer in five messages once, however often each is followed', () => {
    const all = rig();
    for (let round = 0; round < LOOP_REPLIES - 1; round++) {
      expect(all.ask(BOT)).toBe(true);
      all.answer(5);
      for (let frame = 0; frame < 4; frame++) {
        all.deliver();
        expect(all.ask(BOT)).toBe(true);
      }
      const last = all.store.messages.waiting()[0]?.firstSeq ?? 0;
      all.deliver();
      all.pass(10 * SECOND);
      all.answer(1, last + 3);
      all.deliver();
      all.pass(round % 3 === 0 ? 30 * SECOND : SECOND);
    }
  });

  it.each([
    ['while its message is worked on', true],
    ['after the reply', false],
  ])('mutes a sender who writes its message bit by bit %s', (_, isEarly) => {
    const all = rig();
    for (let n = 0; n < LOOP_REPLIES; n++) {
      expect(all.ask(BOT, '@Andy g')).toBe(true);
      if (isEarly) {
        all.pass(3 * SECOND);
        all.edit(BOT, '@Andy go on');
      }
      all.answer();
      all.deliver();
      if (!isEarly) all.edit(BOT, '@Andy go on');
      all.pass(SECOND);
    }
    expect(all.ask(BOT)).toBe(false);
  });

  it('begins to count again after one pause of more than two seconds', () => {
    const all = rig();
    expect(rounds(all, LOOP_REPLIES - 1, SECOND)).toBeUndefined();
    all.pass(5 * SECOND);
    expect(rounds(all, LOOP_REPLIES, SECOND)).toBeUndefined();
  });

  it('does not count replies to somebody else', () => {
    const all = rig();
    for (let n = 0; n < 20; n++) {
      expect(all.ask(ANN)).toBe(true);
      all.answer();
      all.deliver();
      all.pass(SECOND);
      if (n % 2 === 0) continue;
      expect(all.ask(BOT)).toBe(true);
      all.answer();
      all.deliver();
      all.pass(10 * SECOND);
    }
  });

  it.each([
    ['from this account', MAIN.jid, true],
    ['from a device under the account’s own address', MAIN.jid, false],
    ['from an earlier address of the account', 'owner@lid', false],
  ])('never mutes the owner, who writes %s, and sets no limit', (_, sender, fromMe) => {
    const all = rig({ maxTurnsPerHour: 5 });
    all.store.samePerson.merge('owner@lid', MAIN.jid);
    for (let n = 0; n < 2 * LOOP_REPLIES; n++) {
      expect(all.ask(sender, '@Andy go on', fromMe)).toBe(true);
      all.answer();
      all.deliver();
      all.pass(SECOND);
    }
  });
});

describe('a trigger of a muted sender', () => {
  function muted(options = {}) {
    const all = rig(options);
    rounds(all, LOOP_REPLIES + 1, SECOND);
    expect(all.isWaiting()).toBe(false);
    return all;
  }

  it('waits for the end of the mute and starts a turn then', () => {
    const all = muted();
    const { store, loops } = all;
    const seq = LOOP_REPLIES + 1;
    all.ask(BOT, '@Andy and more');
    loops.wake();
    vi.advanceTimersByTime(MUTE_MS - SECOND);
    expect(all.isWaiting()).toBe(false);
    vi.advanceTimersByTime(SECOND);
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: seq }]);
    const found = store.messages.ofTurn(FAMILY.jid, seq, { before: 9, from: 9 });
    expect(found.map(({ isTrigger, isContext }) => [isTrigger, isContext])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it('is not lost when other people are answered meanwhile', () => {
    const all = muted();
    expect(all.ask(ANN)).toBe(true);
    all.store.messages.markShown(
      FAMILY.jid,
      all.store.messages.ofTurn(FAMILY.jid, LOOP_REPLIES + 2, { before: 9, from: 9 }),
    );
    all.answer();
    expect(all.isWaiting()).toBe(false);
    all.loops.wake();
    vi.advanceTimersByTime(MUTE_MS);
    const [waiting] = all.store.messages.waiting();
    const [copy] = all.store.messages.ofTurn(FAMILY.jid, waiting?.firstSeq ?? 0, { before: 0, from: 9 });
    expect(copy).toMatchObject({ sender: BOT, text: '@Andy go on', isTrigger: 1, isContext: 0 });
    all.answer();
    vi.advanceTimersByTime(HOUR);
    expect(all.isWaiting()).toBe(false);
  });

  it('waits over a restart of the host', () => {
    const all = muted();
    all.loops.stop();
    vi.setSystemTime(Date.now() + MUTE_MS);
    const clock = { now: () => Date.now() };
    const { store } = all;
    const rest = { timezone: 'UTC', maxTurnsPerHour: 0, timings: DEFAULT_TIMINGS, log: rememberingLog().log };
    const again = new LoopBreaker({ store, clock, newId: counter('again'), ...rest });
    onTestFinished(() => again.stop());
    again.wake();
    expect(all.isWaiting()).toBe(true);
  });

  it('never waits longer than a mute when the clock was set back', () => {
    const all = muted();
    vi.setSystemTime(START - 5 * HOUR);
    all.loops.wake();
    expect(all.isWaiting()).toBe(true);
    all.answer();
    expect(all.ask(BOT)).toBe(true);
  });

  it('is let go of with everything else when a chat is closed, and when it is taken back', () => {
    const all = muted();
    all.ask(BOT, '@Andy and more');
    all.store.messages.moveCursorToEnd(FAMILY.jid);
    expect(all.store.messages.heldTimes()).toBeUndefined();
    all.ask(BOT, '@Andy and again');
    const seq = LOOP_REPLIES + 3;
    const [{ id = '' } = {}] = all.store.messages.ofTurn(FAMILY.jid, seq, { before: 0, from: 9 });
    all.store.messages.erase(FAMILY.jid, id, seq, 0);
    expect(all.store.messages.heldTimes()).toBeUndefined();
  });

  it('does not trigger earlier in a chat that needs no trigger', () => {
    const all = muted({ chat: { ...FAMILY, requiresTrigger: false } });
    expect(all.ask(BOT, 'go on')).toBe(false);
    all.loops.wake();
    vi.advanceTimersByTime(MUTE_MS);
    expect(all.isWaiting()).toBe(true);
  });
});

describe('the limit of turns per hour', () => {
  it('lets what comes after it wait, and notifies the chat and the owner once', () => {
    const all = rig({ maxTurnsPerHour: 20 });
    expect(rounds(all, 30, 7 * SECOND)).toBe(21);
    expect(all.ask(ANN)).toBe(false);
    expect(all.notices()).toEqual([
      '⏸️ I have answered 20 times here within an hour, and take a break. I go on at 14:31; what you ask until then waits.',
    ]);
    all.loops.wake();
    vi.advanceTimersByTime(59 * MINUTE);
    expect(all.isWaiting()).toBe(true);
    all.answer();
    expect(rounds(all, 8, 7 * SECOND)).toBeUndefined();
    expect(all.notices()).toEqual([]);
  });

  it('names the setting to the owner', () => {
    const all = rig({ maxTurnsPerHour: 3 });
    rounds(all, 5, 7 * SECOND);
    expect(all.notices(MAIN.jid)).toEqual([
      expect.stringMatching(/^⏸️ I have answered 3 times in Family within an hour: .*MAX_TURNS_PER_HOUR/),
    ]);
  });

  it('is not met by a lively hour, counts a follow-up as a turn and a second try as none', () => {
    expect(rounds(rig({ maxTurnsPerHour: 120 }), 110, 30 * SECOND, ANN)).toBeUndefined();
    const all = rig({ maxTurnsPerHour: 4 });
    all.ask(ANN);
    const claim = { folder: FAMILY.folder, chatJid: FAMILY.jid, firstSeq: 1, lastSeq: 1 };
    for (const attempt of [1, 2, 3])
      all.store.runs.startChat({ ...claim, id: `${attempt}`, attempt }, Date.now());
    expect(all.store.runs.turnsBetween(FAMILY.jid, 0, Date.now(), 9)).toHaveLength(1);
    for (const file of ['a', 'b', 'c']) all.store.followUps.add('3', { file, lastSeq: 1 });
    all.answer();
    expect(all.store.runs.turnsBetween(FAMILY.jid, 0, Date.now(), 9)).toHaveLength(4);
    expect(all.ask(ANN)).toBe(false);
  });

  it('ends at once when the clock was set back by hours', () => {
    const all = rig({ maxTurnsPerHour: 3 });
    expect(rounds(all, 5, 7 * SECOND)).toBe(4);
    vi.setSystemTime(START - 5 * HOUR);
    all.loops.wake();
    expect(all.isWaiting()).toBe(true);
    expect(all.ask(ANN)).toBe(true);
  });
});
