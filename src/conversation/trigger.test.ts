import { describe, expect, it } from 'vitest';
import { callsAssistant } from './trigger.ts';

describe('the trigger', () => {
  it.each(['@Andy', '@Andy hi', '@andy: hi', '  @ANDY, hello', '@Andy\nhi', '@Andy?'])(
    'is seen in %j',
    (text) => {
      expect(callsAssistant(text, '@Andy')).toBe(true);
    },
  );

  it.each(['hi @Andy', '@Andybody', '@Andy_1', '@Andyé', 'Andy hi', '', '@'])('is not seen in %j', (text) => {
    expect(callsAssistant(text, '@Andy')).toBe(false);
  });

  it('works for names that end in a letter outside ASCII', () => {
    expect(callsAssistant('@zoë hi', '@Zoë')).toBe(true);
    expect(callsAssistant('@Zoëlle hi', '@Zoë')).toBe(false);
  });

  it('of a group is taken literally, whatever characters it has', () => {
    expect(callsAssistant('C++? help', 'C++')).toBe(true);
    expect(callsAssistant('Ccc help', 'C++')).toBe(false);
  });

  it('that is empty calls nobody', () => {
    expect(callsAssistant('anything', ' ')).toBe(false);
  });
});
