import { describe, expect, it } from 'vitest';
import { callsAloud, callsAssistant } from './trigger.ts';

describe('the trigger', () => {
  it.each(['@Andy', '@Andy hi', '@andy: hi', '  @ANDY, hello', '@Andy\nhi', '@Andy?'])(
    'is found in %j',
    (text) => {
      expect(callsAssistant(text, '@Andy')).toBe(true);
    },
  );

  it.each(['hi @Andy', '@Andybody', '@Andy_1', '@Andyé', 'Andy hi', '', '@'])(
    'is not found in %j',
    (text) => {
      expect(callsAssistant(text, '@Andy')).toBe(false);
    },
  );

  it('works for names that end in a letter outside ASCII', () => {
    expect(callsAssistant('@zoë hi', '@Zoë')).toBe(true);
    expect(callsAssistant('@Zoëlle hi', '@Zoë')).toBe(false);
  });

  it('matches literally, whatever characters a group’s trigger has', () => {
    expect(callsAssistant('C++? help', 'C++')).toBe(true);
    expect(callsAssistant('Ccc help', 'C++')).toBe(false);
  });

  it('never matches when it is empty', () => {
    expect(callsAssistant('anything', ' ')).toBe(false);
  });
});

describe('spoken words', () => {
  it.each([
    'Andy, what time is it?',
    'andy what time is it',
    '“Andy!” What time?',
    '@Andy what time?',
    '… ANDY',
  ])('trigger when they are %j', (words) => {
    expect(callsAloud(words, '@Andy')).toBe(true);
  });

  it.each(['', 'Handy', 'Andyman is here', 'I saw Andy', 'Zoë, come'])(
    'do not trigger when they are %j',
    (words) => {
      expect(callsAloud(words, '@Andy')).toBe(false);
    },
  );

  it('match a trigger of any letters, and none where there is none', () => {
    expect(callsAloud('Zoë, bitte', '@Zoë')).toBe(true);
    expect(callsAloud('anything', '')).toBe(false);
  });
});
