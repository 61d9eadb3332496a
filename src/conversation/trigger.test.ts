import { describe, expect, it } from 'vitest';
import { trimmed } from '../protocol/trigger.ts';
import { calls, callsAloud, callsAssistant, namesAssistant } from './trigger.ts';

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

  it.each([
    '\u200f@Andy hi',
    '\u202b @Andy\u202c hi',
    '@\u2068Andy\u2069 hi',
    '\ufeff@An\u00addy',
    '\u2800@\u200dAndy\ufe0f hi',
    '\u061c@A\u180en\u2060d\u{e0041}y\u034f, hi',
    '@Andy\u200b\u200e',
    '＠Andy hi',
    '\u3000＠Ａｎｄｙ hi',
  ])('is found where characters cannot be seen or are full-width: %j', (text) => {
    expect(callsAssistant(text, '@Andy')).toBe(true);
    expect(namesAssistant(`so ${text}`, '@Andy')).toBe(true);
  });

  it.each(['@Andy\u200dbody', '@Andy\u200b\u0301', '\u200f', '@\u200b Andy'])(
    'is not found where what is seen is something else: %j',
    (text) => {
      expect(callsAssistant(text, '@Andy')).toBe(false);
    },
  );

  it.each([
    ['@राम', '@राम नमस्ते', '@रामू नमस्ते'],
    ['@राम', '@राम, नमस्ते', '@राम\u200dा'],
    ['@ශ්\u200dරී', '@ශ්රී හෙලෝ', '@ශ්රීි'],
    ['@علی', '@عل\u200cی سلام', '@علیّ سلام'],
    ['@Zoe\u0308', '@ZOË hi', '@Zoe hi'],
    ['@Zoë', '@zoe\u0308 hi', '@zoe\u0308\u0323 hi'],
    ['@İrem', '@irem merhaba', '@İremu'],
    ['@Irem', '@İREM merhaba', '@ıremi'],
    ['@Νίκος', '@ΝΊΚΟΣ γεια', '@Νίκοςα'],
    ['@Groß', '@GROSS hallo', '@Große'],
  ])('%s is found in %s and not in %s', (trigger, text, other) => {
    expect(callsAssistant(text, trigger)).toBe(true);
    expect(callsAssistant(other, trigger)).toBe(false);
  });

  it.each([
    ['@丛雨', '@丛雨你好'],
    ['@丛雨', '@丛雨3点叫我'],
    ['@丛雨', '＠丛雨，你好'],
    ['@アンディ', '@アンディさん'],
    ['@アンディ', '@ｱﾝﾃﾞｨさん'],
    ['@แอนดี้', '@แอนดี้ครับ'],
    ['@ວຽງ', '@ວຽງສະບາຍດີ'],
    ['@Andy', '@Andy你好'],
    ['@Andy', '@Andyさん'],
    ['@Andy', '@Andy님 안녕'],
    ['@앤디', '@앤디야 안녕'],
  ])('ends where the name ends in a script without spaces: %s in %s', (trigger, text) => {
    expect(callsAssistant(text, trigger)).toBe(true);
  });

  it.each([
    ['@丛雨', '@丛_雨'],
    ['@丛雨', '@丛雨_2 hi'],
    ['@แอนดี', '@แอนดี้ครับ'],
    ['@앤디', '@앤디슨 안녕'],
    ['@Andy', '@Andyж'],
  ])('%s is not found in another name: %s', (trigger, text) => {
    expect(callsAssistant(text, trigger)).toBe(false);
  });

  it('matches literally, whatever characters a group’s trigger has', () => {
    expect(callsAssistant('C++? help', 'C++')).toBe(true);
    expect(callsAssistant('Ccc help', 'C++')).toBe(false);
  });

  it('never matches when it is empty', () => {
    expect(callsAssistant('anything', ' ')).toBe(false);
    expect(callsAssistant('anything', '\u200b')).toBe(false);
    expect(namesAssistant('anything', '\u200b')).toBe(false);
  });
});

describe('the trigger behind mentions of others', () => {
  const triggers = (text: string, written?: string) =>
    calls({ text, fromMe: false, ...(written && { written }) }, { trigger: '@Andy', ownPrefix: 'Andy:' });

  it.each([
    '@Ben @Andy hi',
    '@Ben, @Andy hi',
    '@Ben,@Andy',
    ' @Ben @Eve , @andy: hi',
    '@Andybody @Andy hi',
    '@Ben、@Andy',
    '@Ben، @Andy',
    '@Ben & @Andy hi',
    '@Ben; @Eve + @Andy',
  ])('is found in %j', (text) => {
    expect(triggers(text)).toBe(true);
  });

  it.each(['@Ben hi @Andy', 'hi @Ben @Andy', '@Ben@Andy', '@Ben @Andybody', '@Ben', '@ @Andy'])(
    'is not found in %j',
    (text) => {
      expect(triggers(text)).toBe(false);
    },
  );

  it('is found behind a name of several words', () => {
    expect(triggers('@Peter Pan @Andy hi', '@491512 @Andy hi')).toBe(true);
  });

  it('is not the name of a person who is mentioned, whatever words it has', () => {
    expect(triggers('@Andy hi', '@491512 hi')).toBe(false);
    expect(triggers('@Ben @Andy obey', '@491512 obey')).toBe(false);
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

it('a long text that does not trigger is looked through at once', () => {
  for (const text of [' '.repeat(60_000), `x${'\u200b '.repeat(30_000)}x`, '@And'.repeat(15_000)]) {
    expect(callsAssistant(text, '@Andy')).toBe(false);
    expect(namesAssistant(text, '@Andy')).toBe(false);
  }
});

it('a trigger that ends with a sign may stand directly before a word', () => {
  for (const text of ['!weather', '! weather', '!天气', '\u200f!weather'])
    expect(callsAssistant(text, '!')).toBe(true);
  expect(callsAssistant('🤖hi', '🤖')).toBe(true);
  expect(callsAssistant('🤖\u200d👩hi', '🤖')).toBe(false);
});

it('a text full of marks that cannot be seen is trimmed and looked through at once', () => {
  for (const mark of ['\ufeff', '\u200b', '\u200f', '\u00ad', '\u2800', '\u0000', '\t']) {
    const row = mark.repeat(60_000);
    expect(trimmed(`${row}a${row}b${row}`)).toBe(`a${row}b`);
    expect(callsAssistant(`@${row}x`, '@Andy')).toBe(false);
  }
});
