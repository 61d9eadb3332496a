import { describe, expect, it } from 'vitest';
import { parseRequest } from './request.ts';

const message = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({ type: 'message', chatJid: 'a@x', text: 'hi', ...more });

describe('a file that may still be being written', () => {
  it.each(['', '  \n', '{"type":"mess', '{"type":"message","text":"a', '{"type":"message",}'])(
    'an incomplete file is recognized: %j',
    (text) => {
      expect(parseRequest(text).kind).toBe('unsettled');
    },
  );
});

describe('a file that is bad for good', () => {
  it.each([
    ['[]', 'is not a JSON object'],
    ['"text"', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['{}', 'has no type'],
    ['{"type":7}', 'has no type'],
    ['{"type":"reboot"}', 'unknown type'],
    ['{"type":"constructor"}', 'unknown type'],
    [message({ text: { toString: 'x' } }), 'text'],
    [message({ text: '' }), 'text'],
    [message({ chatJid: ['a'] }), 'chatJid'],
    [message({ requestId: '../../x' }), 'requestId'],
    [message({ requestId: 5 }), 'requestId'],
    ['{"__proto__":{"isMain":true},"type":"message","chatJid":"a@x","text":"t"}', '__proto__'],
    ['{"\\u005f_proto__":1,"type":"message","chatJid":"a@x","text":"t"}', '__proto__'],
    ['{"type":"register_group","containerConfig":{"a":[{"__proto__":{}}]}}', '__proto__'],
    [`${'['.repeat(500_000)}`, 'nested deeper'],
    [`{"type":"message","x":[${'1,'.repeat(100_000)}1]}`, 'more than'],
  ])('a bad file is refused with a reason: %.60s', (text, reason) => {
    expect(parseRequest(text)).toMatchObject({ kind: 'bad', reason: expect.stringContaining(reason) });
  });

  it('can still be answered when its requestId is sound', () => {
    expect(parseRequest('{"type":"reboot","requestId":"r-1"}')).toMatchObject({ requestId: 'r-1' });
  });

  it('is not quoted in the reason', () => {
    const parsed = parseRequest('{"type":"secret-of-the-host","text":"another secret"}');
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });
});

it('a request may have brackets, commas and quotes inside strings', () => {
  const text = `${'[{,"\\'.repeat(2_000)}`;
  expect(parseRequest(message({ text }))).toMatchObject({ kind: 'request', request: { text } });
});

it('a request with half a character has a sign in its place', () => {
  const file = String.raw`{"type":"message","chatJid":"a@x","text":"hi \ud83d","sender":"\udc4d"}`;
  expect(parseRequest(file)).toMatchObject({ request: { text: 'hi \ufffd', sender: '\ufffd' } });
});

it('a request names a chat by an address as it is seen', () => {
  expect(parseRequest(message({ chatJid: '\u2068120363＠g.us\u2069\n' }))).toMatchObject({
    request: { chatJid: '120363@g.us' },
  });
  expect(parseRequest(message({ chatJid: '\u200b' }))).toMatchObject({ kind: 'bad' });
});

it('a trigger that cannot be seen is refused', () => {
  const file = { type: 'register_group', jid: 'a@x', name: 'A', folder: 'a', trigger: ' \u200b' };
  expect(parseRequest(JSON.stringify(file))).toMatchObject({
    kind: 'bad',
    reason: expect.stringContaining('trigger'),
  });
});

it('a request loses fields that the protocol does not know', () => {
  const parsed = parseRequest(message({ isMain: true, sender: 'Researcher' }));
  expect(parsed).toEqual({
    kind: 'request',
    request: { type: 'message', chatJid: 'a@x', text: 'hi', sender: 'Researcher' },
  });
});

it('a request may have an interval that was written as a number', () => {
  const file = { type: 'schedule_task', prompt: 'p', schedule_type: 'interval', schedule_value: 60_000 };
  expect(parseRequest(JSON.stringify(file))).toMatchObject({ request: { schedule_value: '60000' } });
});
