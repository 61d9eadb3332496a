import { describe, expect, it } from 'vitest';
import { FrameError } from './frame-reader.ts';
import { parseFrame } from './parse-frame.ts';

const parse = (result: unknown) => parseFrame(JSON.stringify({ status: 'success', result })).result;

describe('the result of a frame', () => {
  it.each([
    ['is a text', 'Hello', 'Hello'],
    ['is nothing', null, null],
    ['is v1’s object with a message', { outputType: 'message', userMessage: 'Hello' }, 'Hello'],
    ['is v1’s object without an output type', { userMessage: 'Hello' }, 'Hello'],
    [
      'is v1’s log, which is silent',
      { outputType: 'log', internalLog: 'nothing to do', userMessage: null },
      '',
    ],
    ['is v1’s message without words, which is silent', { outputType: 'message' }, ''],
  ])('is read when it %s', (_, result, expected) => {
    expect(parse(result)).toBe(expected);
  });

  it.each([{}, { text: 'Hello' }, ['Hello'], 7])('is refused when it is %j', (result) => {
    expect(() => parse(result)).toThrow(FrameError);
  });
});

describe('the ids of a frame', () => {
  const id = (name: string, value: string) =>
    parseFrame(JSON.stringify({ status: 'success', result: null, [name]: value }));

  it.each(['0195c1f0-2222-7000-8000-000000000001', 'session_1f0.a', '48211'])('may be %s', (value) => {
    expect(id('newSessionId', value).newSessionId).toBe(value);
    expect(id('resumeAt', value).resumeAt).toBe(value);
  });

  it.each(['', '../../etc', 'a/b', '--flag', '.hidden', 'a\u001b[2J', 'a b', 'a\n', 'x'.repeat(201)])(
    'are refused when one is %j',
    (value) => {
      expect(() => id('newSessionId', value)).toThrow(FrameError);
      expect(() => id('resumeAt', value)).toThrow(FrameError);
    },
  );
});
