import { describe, expect, it } from 'vitest';
import { readArguments, UsageError } from './arguments.ts';

const KNOWN = ['answer', 'store', 'idle'];

describe('the arguments', () => {
  it('choose everything when nothing is named', () => {
    expect(readArguments([], KNOWN)).toEqual({ json: false, help: false, names: KNOWN });
  });

  it('choose what is named, once each and in the order of the benches', () => {
    const { names, json } = readArguments(
      ['--only', 'idle', '--json', '--only', 'answer', '--only', 'idle'],
      KNOWN,
    );
    expect(names).toEqual(['answer', 'idle']);
    expect(json).toBe(true);
  });

  it('are refused when one is unknown, and the error names the known ones', () => {
    expect(() => readArguments(['--only', 'speed'], KNOWN)).toThrow(UsageError);
    expect(() => readArguments(['--only', 'speed'], KNOWN)).toThrow(
      '"speed". There are: answer, store, idle',
    );
  });

  it('are refused when an option is unknown or lacks its value', () => {
    expect(() => readArguments(['--fast'], KNOWN)).toThrow(UsageError);
    expect(() => readArguments(['--only'], KNOWN)).toThrow(UsageError);
    expect(() => readArguments(['store'], KNOWN)).toThrow(UsageError);
  });
});
