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
