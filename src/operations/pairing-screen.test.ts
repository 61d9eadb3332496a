import { describe, expect, it } from 'vitest';
import { PairingScreen, type PairingScreenOptions } from './pairing-screen.ts';
import { phoneDigits } from './phone-number.ts';

const AT = new Date(2026, 0, 1, 14, 3, 20).getTime();
const CLEAR = '\u001b[H\u001b[J';

function rig(options: Partial<PairingScreenOptions> = {}) {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  const screen = new PairingScreen({ write, isTerminal: false, raw: false, ...options });
  return { screen, written };
}

describe('the pairing screen', () => {
  it('shows a QR code, its use, its number and until when it is valid', () => {
    const { screen, written } = rig();
    screen.show({ status: 'unpaired', qr: '2@abc,def', validUntil: AT });
    expect(written).toEqual([
      expect.stringMatching(/█[\s\S]*Linked devices[\s\S]*Code 1, good until 14:03:20/),
    ]);
    expect(written[0]).not.toContain('\u001b');
  });

  it('shows a pairing code large and as it is to be typed', () => {
    const { screen, written } = rig();
    screen.show({ status: 'unpaired', pairingCode: 'ABCDEFGH', validUntil: AT });
    expect(written[0]).toMatch(/A B C D {2}- {2}E F G H[\s\S]*Link with phone number[\s\S]*ABCD-EFGH/);
  });

  it('replaces a stale code in place on a terminal', () => {
    const { screen, written } = rig({ isTerminal: true });
    for (const qr of ['1', '2']) screen.show({ status: 'unpaired', qr });
    expect(written.every((text) => text.startsWith(CLEAR))).toBe(true);
    expect(written[1]).toContain('Code 2');
  });

  it('says on plain lines that the code before is stale', () => {
    const { screen, written } = rig();
    for (const qr of ['1', '2']) screen.show({ status: 'unpaired', qr });
    expect(written[1]).toMatch(/^Code 1 is stale now\.\n[\s\S]*Code 2/);
  });

  it.each([
    ['stale', { status: 'connecting', reason: 'closed; next try in 1 s' } as const, 'Code 1 is stale now.\n'],
    ['stale', { status: 'stopped', reason: 'Nobody scanned it' } as const, 'Code 1 is stale now.\n'],
    ['accepted', { status: 'connecting', justPaired: true } as const, 'The phone has accepted the code.\n'],
  ])('says once that the last code is %s when the connection continues without one', (_, state, words) => {
    const { screen, written } = rig({ isTerminal: true });
    screen.show({ status: 'unpaired', qr: '1' });
    for (let n = 0; n < 2; n += 1) screen.show(state);
    expect(written.slice(1).filter((text) => text.startsWith(CLEAR))).toEqual([`${CLEAR}${words}`]);
  });

  it('says once for each reason why WhatsApp cannot be reached', () => {
    const { screen, written } = rig({});
    screen.begin();
    for (const reason of [
      'fetch failed; next try in 1 s',
      'fetch failed; next try in 2 s',
      'closed; next try in 4 s',
    ])
      screen.show({ status: 'connecting', reason });
    expect(written).toEqual([
      'Connecting to WhatsApp…\n',
      'WhatsApp cannot be reached: fetch failed. Trying again…\n',
      'WhatsApp cannot be reached: closed. Trying again…\n',
    ]);
  });

  it('says so when the terminal is too small for the picture', () => {
    const { screen, written } = rig({ isTerminal: true, rows: 10 });
    screen.show({ status: 'unpaired', qr: '2@abc,def' });
    expect(written[0]).toMatch(/does not fit: make this window \d+ lines high[\s\S]*--code/);
  });

  it.each([{ qr: `2@${'x'.repeat(230)}` }, { pairingCode: 'ABCDEFGH' }])(
    'fits a terminal of 80 columns',
    (code) => {
      const { screen, written } = rig({ isTerminal: true, rows: 10 });
      screen.show({ status: 'unpaired', ...code, validUntil: AT });
      screen.show({ status: 'stopped', reason: 'Nobody used it' });
      const widths = written
        .join('')
        .replaceAll(CLEAR, '')
        .split('\n')
        .map((line) => line.length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    },
  );

  it('prints only the codes when another program reads them', () => {
    const { screen, written } = rig({ raw: true });
    screen.show({ status: 'connecting' });
    screen.show({ status: 'unpaired', qr: '2@abc' });
    screen.show({ status: 'unpaired', pairingCode: 'ABCDEFGH' });
    screen.show({ status: 'open' });
    expect(written).toEqual(['2@abc\n', 'ABCDEFGH\n']);
  });
});

describe('a phone number', () => {
  it.each([
    '4915123456789',
    '+4915123456789',
    ' +49 151 2345 6789 ',
    '\u202a+49\u00a0151\u202f2345 6789\u202c',
    '＋４９15123456789',
  ])('is accepted when it is written as "%s"', (text) => {
    expect(phoneDigits(text)).toBe('4915123456789');
  });

  it.each(['', '0151 23456789', '0049 151 23456789', '+49 151', '49151234567890123', '+49-151-x', 'Ann'])(
    'is not accepted when it is written as "%s"',
    (text) => {
      expect(phoneDigits(text)).toBeUndefined();
    },
  );
});
