import { join } from 'node:path';
import { proto } from '@whiskeysockets/baileys';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { CredentialsStore } from './credentials-store.ts';
import { DisappearingTimers, disappearing, timerIn } from './disappearing.ts';

const { EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;
const DAY = 24 * 60 * 60;
const WEEK = 7 * DAY;
const PETER = '491512@s.whatsapp.net';
const PETER_LID = '102@lid';

/** As it arrives: written and read again. */
const overTheWire = (message: proto.IMessage) => proto.Message.decode(proto.Message.encode(message).finish());

describe('the timer that a message names for its chat', () => {
  const context = (contextInfo: proto.IContextInfo) => ({ extendedTextMessage: { text: 'hi', contextInfo } });
  const setting = (seconds: number | null) => ({
    protocolMessage: { type: EPHEMERAL_SETTING, ephemeralExpiration: seconds, ephemeralSettingTimestamp: 5 },
  });

  it.each<[string, proto.IMessage, { seconds: number; setAt?: number } | undefined]>([
    ['a text', context({ expiration: DAY, ephemeralSettingTimestamp: 7 }), { seconds: DAY, setAt: 7 }],
    ['a picture', { imageMessage: { contextInfo: { expiration: DAY } } }, { seconds: DAY }],
    ['a poll', { pollCreationMessageV3: { contextInfo: { expiration: DAY } } }, { seconds: DAY }],
    ['a template', { templateMessage: { contextInfo: { expiration: DAY } } }, { seconds: DAY }],
    ['a wrapped text', { ephemeralMessage: { message: context({ expiration: DAY }) } }, { seconds: DAY }],
    ['a wrapper alone', { ephemeralMessage: { message: { conversation: 'hi' } } }, { seconds: WEEK }],
    [
      'what the owner wrote on the phone',
      { deviceSentMessage: { message: context({ expiration: DAY }) } },
      { seconds: DAY },
    ],
    ['a setting', setting(DAY), { seconds: DAY, setAt: 5 }],
    ['a setting that ends it', setting(0), { seconds: 0, setAt: 5 }],
    ['a setting without a number', setting(null), { seconds: 0, setAt: 5 }],
    [
      'a setting that does not say when it was made',
      { protocolMessage: { type: EPHEMERAL_SETTING, ephemeralExpiration: DAY } },
      { seconds: DAY, setAt: 9 },
    ],
    [
      'a wrapped setting that ends it',
      { ephemeralMessage: { message: setting(0) } },
      { seconds: 0, setAt: 5 },
    ],
    ['a text after the end', context({ expiration: 0 }), { seconds: 0 }],
    ['a text with the time of its end', context({ ephemeralSettingTimestamp: 9 }), { seconds: 0, setAt: 9 }],
    ['a text that names none', context({ stanzaId: 'Q' }), undefined],
    ['a plain text', { conversation: 'hi' }, undefined],
    ['a deletion', { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE } }, undefined],
  ])('is read from %s', (_, message, timer) => {
    expect(timerIn(overTheWire(message), 9_500)).toEqual(timer);
  });

  it('is none where there is no message', () => {
    expect(timerIn(undefined, 0)).toBeUndefined();
  });
});

describe('a message that is sent', () => {
  it('names the timer beside what it quotes, and none where messages stay', () => {
    const message = { extendedTextMessage: { text: 'hi', contextInfo: { stanzaId: 'Q' } } };
    expect(disappearing(message, { seconds: DAY, setAt: 7 })).toEqual({
      extendedTextMessage: {
        text: 'hi',
        contextInfo: { stanzaId: 'Q', expiration: DAY, ephemeralSettingTimestamp: 7 },
      },
    });
    expect(disappearing(message, { seconds: 0 })).toBe(message);
  });
});

describe('the timers of disappearing messages', () => {
  const T = 1_700_000_000;
  const database = () => {
    const store = CredentialsStore.open(join(temporaryDirectory(), 'whatsapp.db'));
    onTestFinished(() => store.close());
    return store.database;
  };
  const lids = new Map<string, string>();
  const timers = (of = database()) => new DisappearingTimers(of, { lid: (jid) => lids.get(jid) });

  it('are zero in a chat of which nothing was told, and are kept across restarts', () => {
    const file = database();
    const first = timers(file);
    expect(first.of(PETER)).toEqual({ seconds: 0 });
    first.note(PETER, { seconds: DAY, setAt: T }, T * 1_000);
    expect(timers(file).of(PETER)).toEqual({ seconds: DAY, setAt: T });
  });

  it('a newer message changes the timer, and an older one that is delivered late does not', () => {
    const each = timers();
    each.note(PETER, { seconds: DAY }, T * 1_000);
    each.note(PETER, { seconds: DAY }, (T + 20) * 1_000);
    each.note(PETER, { seconds: 0 }, (T + 10) * 1_000);
    expect(each.of(PETER).seconds).toBe(DAY);
    each.note(PETER, { seconds: 0 }, (T + 30) * 1_000);
    each.note(PETER, { seconds: WEEK }, (T + 25) * 1_000);
    expect(each.of(PETER).seconds).toBe(0);
  });

  it('a message from a phone that has missed a change does not set the timer back', () => {
    const each = timers();
    each.note(PETER, { seconds: DAY, setAt: T }, T * 1_000);
    each.note(PETER, { seconds: 0, setAt: T + 60 }, (T + 60) * 1_000);
    each.note(PETER, { seconds: DAY, setAt: T }, (T + 90) * 1_000);
    expect(each.of(PETER).seconds).toBe(0);
  });

  it('a time of setting that is later than the message itself does not count', () => {
    const each = timers();
    each.note(PETER, { seconds: DAY, setAt: T * 2 }, T * 1_000);
    each.note(PETER, { seconds: 0, setAt: T + 60 }, (T + 60) * 1_000);
    expect(each.of(PETER).seconds).toBe(0);
  });

  it('what was told under a LID holds for the number that it turns out to be, until something newer is told', () => {
    const each = timers();
    each.note(PETER_LID, { seconds: DAY }, T * 1_000);
    lids.set(PETER, PETER_LID);
    onTestFinished(() => lids.clear());
    expect(each.of(PETER).seconds).toBe(DAY);
    each.note(PETER, { seconds: WEEK }, (T - 1) * 1_000);
    expect(each.of(PETER).seconds).toBe(DAY);
    each.note(PETER, { seconds: 0 }, (T + 1) * 1_000);
    expect(each.of(PETER).seconds).toBe(0);
  });

  it('nothing is read or written after the database was closed', () => {
    const file = database();
    const each = timers(file);
    file.close();
    each.note(PETER, { seconds: DAY }, T * 1_000);
    expect(each.of(PETER)).toEqual({ seconds: 0 });
  });
});
