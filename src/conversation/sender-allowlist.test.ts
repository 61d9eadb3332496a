import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { SenderAllowlist } from './sender-allowlist.ts';
import { oneForm } from './sender-rules.ts';

const PETER = '491512345678@s.whatsapp.net';
const EVE = '491519999999@s.whatsapp.net';

function rig() {
  const directory = temporaryDirectory();
  const file = join(directory, 'sender-allowlist.json');
  const store = testStore(directory);
  store.groups.add(MAIN, 0);
  store.state.set('account', MAIN.jid);
  const { log, lines } = rememberingLog();
  const open = () => new SenderAllowlist({ file, store, clock: { now: () => 1_000_000 }, log });
  let senders = open();
  return {
    store,
    file,
    lines,
    write: (content: object | string) =>
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content)),
    judge: (senderJid: string, chatJid = FAMILY.jid) => {
      senders.refresh();
      return senders.judge({ chatJid, senderJid });
    },
    restart: () => {
      senders = open();
    },
    errors: () => lines.filter(({ level }) => level >= 50).map(({ msg }) => msg),
    notices: () => store.outbox.heads().map(({ message }) => (message.kind === 'text' ? message.text : '')),
  };
}

describe('the senders who may trigger', () => {
  it('are all people without an allowlist', () => {
    const { judge, errors } = rig();
    expect(judge(EVE)).toBe('allowed');
    expect(errors()).toEqual([]);
  });

  it.each([
    '+49 151 2345678',
    '491512345678',
    '0049-151-2345678',
    PETER,
    '491512345678:7@s.whatsapp.net',
    '491512345678@c.us',
  ])('are those whom the allowlist names, written as %s', (written) => {
    const { judge, write } = rig();
    write({ default: { allow: [written], mode: 'trigger' } });
    expect(judge(PETER)).toBe('allowed');
    expect(judge(EVE)).toBe('context');
    expect(judge(MAIN.jid)).toBe('allowed');
  });

  it('may be set for a single chat', () => {
    const { judge, write } = rig();
    write({
      default: { allow: '*', mode: 'trigger' },
      chats: {
        [FAMILY.jid]: { allow: [PETER], mode: 'drop' },
        '+49 151 9999999': { allow: [], mode: 'trigger' },
      },
      logDenied: false,
    });
    expect(judge(EVE)).toBe('dropped');
    expect(judge(PETER)).toBe('allowed');
    expect(judge(EVE, 'work@g.us')).toBe('allowed');
    expect(judge(EVE, EVE)).toBe('context');
  });

  it('include a LID whose number has become known', () => {
    const { judge, write, store } = rig();
    write({ default: { allow: ['102@lid'], mode: 'trigger' } });
    expect(judge('102@lid')).toBe('allowed');
    store.samePerson.merge('102@lid', PETER);
    expect(judge(PETER)).toBe('allowed');
  });

  it('are read from a file with a byte order mark', () => {
    const { judge, write } = rig();
    write(`\uFEFF${JSON.stringify({ default: { allow: '*' } })}`);
    expect(judge(EVE)).toBe('allowed');
  });

  it('change with the file, for the next message', () => {
    const { judge, write, file } = rig();
    expect(judge(EVE)).toBe('allowed');
    write({ default: { allow: [], mode: 'trigger' } });
    expect(judge(EVE)).toBe('context');
    rmSync(file);
    expect(judge(EVE)).toBe('allowed');
  });
});

describe('an allowlist that cannot be read', () => {
  it.each([
    ['is no JSON', '{"default":', /cannot be read/],
    ['is UTF-16', Buffer.from('{"default": {"allow": "*"}}', 'utf16le').toString('latin1'), /UTF-16.*iconv/],
    ['is of another form', { allow: '*' }, /does not say who may call/],
    ['has a name that is not known', { default: { allow: '*' }, chat: {} }, /chat/],
    [
      'names a number without its country code',
      { default: { allow: ['0151 2345678'] } },
      /0151 2345678.*country code/s,
    ],
    ['names a chat that is none', { default: { allow: '*' }, chats: { Family: { allow: '*' } } }, /chats/],
    ['has another mode', { default: { allow: '*', mode: 'block' } }, /mode/],
  ])('excludes everybody but the owner when it %s', (_, content, reason) => {
    const { judge, write, errors, store } = rig();
    write(content);
    expect(judge(PETER)).toBe('context');
    expect(judge(MAIN.jid)).toBe('allowed');
    expect(errors()).toHaveLength(1);
    expect(errors()[0]).toMatch(reason);
    expect(store.state.get('senders')).toMatch(/^only you: /);
  });

  it('excludes everybody but the owner when a directory is in its place', () => {
    const { judge, file, errors } = rig();
    mkdirSync(file);
    expect(judge(PETER)).toBe('context');
    expect(errors()).toHaveLength(1);
  });

  it('is reported to the owner once, and logged once per start of the host', () => {
    const { judge, write, errors, notices, restart, store, file } = rig();
    write('{');
    for (let n = 0; n < 3; n++) {
      judge(PETER);
    }
    expect(errors()).toHaveLength(1);
    restart();
    judge(PETER);
    expect(errors()).toHaveLength(2);
    expect(notices()).toHaveLength(1);
    expect(notices()[0]).toMatch(/^⚠️ Only you can call me for now: .*sender-allowlist\.json/);
    rmSync(file);
    expect(judge(PETER)).toBe('allowed');
    expect(store.state.get('senders')).toBe('everybody');
  });
});

describe('an address', () => {
  it.each([
    ['+1 (555) 010-9999', '15550109999@s.whatsapp.net'],
    ['120363@g.us', '120363@g.us'],
    ['\u202a+49\u00a0151\u201123456\u202c', '4915123456@s.whatsapp.net'],
    ['\u200e＋４９ 151 23456', '4915123456@s.whatsapp.net'],
    ['\u2068120363＠g.us\u2069', '120363@g.us'],
    ['12345', undefined],
    ['Peter', undefined],
    ['', undefined],
  ])('%j is normalized to %j', (written, form) => {
    expect(oneForm(written)).toBe(form);
  });
});
