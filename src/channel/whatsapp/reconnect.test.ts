import { describe, expect, it } from 'vitest';
import { Backoff, REACTIONS, reactionTo } from './reconnect.ts';

/** An error as Baileys makes them. */
function closed(statusCode: number, message = 'Connection Failure'): Error {
  return Object.assign(new Error(message), { output: { statusCode } });
}

describe('the reaction to a close', () => {
  it.each([428, 408, 503, 500])('backs off after %i', (code) => {
    expect(reactionTo(closed(code))).toEqual({ kind: 'back-off' });
  });

  it.each([undefined, 1006, new Error('odd'), closed(599)])('backs off after an unknown code', (error) => {
    expect(reactionTo(error)).toEqual({ kind: 'back-off' });
  });

  it.each([400, 401, 516])('backs off after %i where it is an error of Baileys itself', (code) => {
    expect(reactionTo(closed(code, 'noise certificate signature invalid'))).toEqual({ kind: 'back-off' });
  });

  it('reconnects at once after 515', () => {
    expect(reactionTo(closed(515))).toEqual({ kind: 'at-once' });
  });

  it('waits for a person when the QR codes are used up, though that is reported as a timeout', () => {
    expect(reactionTo(closed(408, 'QR refs attempts ended'))).toMatchObject({ kind: 'qr-used-up' });
  });

  it('archives the credentials only when the phone has unlinked the device', () => {
    const laidAside = Object.entries(REACTIONS).filter(
      ([, reaction]) => 'credentials' in reaction && reaction.credentials === 'lay-aside',
    );
    expect(laidAside.map(([code]) => code)).toEqual(['401', '516']);
  });

  it.each([400, 401, 403, 405, 406, 409, 411, 415, 418, 419, 440, 516])(
    'stops after %i and names the code and the fix to the owner',
    (code) => {
      const reaction = reactionTo(closed(code));
      expect(reaction.kind).toBe('stop');
      expect(reaction).toMatchObject({ reason: expect.stringContaining(`(${code})`) });
      expect(reaction).toMatchObject({
        reason: expect.stringMatching(/start (this one )?again|\.\/nanoclaw pair/),
      });
    },
  );
});

describe('the reaction to a temporary ban', () => {
  const ban = (data: object) => reactionTo(Object.assign(closed(402), { data }));

  it('waits as long as WhatsApp says, and names the reason', () => {
    expect(ban({ reason: '402', code: '101', expire: '7200' })).toMatchObject({
      kind: 'banned',
      forMs: 7_200_000,
      reason: expect.stringContaining('too many messages to people'),
    });
  });

  it('waits ten years at most', () => {
    expect(ban({ expire: '99999999999999' })).toMatchObject({ forMs: 10 * 365 * 24 * 3_600_000 });
  });

  it.each([{}, { expire: 'soon' }, { expire: '-5' }])(
    'waits an hour where it says nothing usable',
    (data) => {
      expect(ban(data)).toMatchObject({ kind: 'banned', forMs: 3_600_000 });
    },
  );
});

describe('the back-off', () => {
  it('doubles up to the cap, with a jitter between half and all of it', () => {
    const longest = new Backoff(() => 0.999999, { reconnectFirstMs: 100, reconnectMaxMs: 1_000 });
    expect([1, 2, 3, 4, 5, 6].map(() => longest.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    const shortest = new Backoff(() => 0, { reconnectFirstMs: 100, reconnectMaxMs: 1_000 });
    expect([1, 2, 3, 4, 5, 6].map(() => shortest.next())).toEqual([50, 100, 200, 400, 500, 500]);
  });

  it('never exceeds the cap, however many tries fail', () => {
    const backoff = new Backoff(Math.random, { reconnectFirstMs: 1_000, reconnectMaxMs: 60_000 });
    for (let n = 0; n < 2_000; n += 1) expect(backoff.next()).toBeLessThanOrEqual(60_000);
  });

  it('stays at eight times the first wait while connections open and drop, however often', () => {
    const backoff = new Backoff(() => 0.999999, { reconnectFirstMs: 1_000, reconnectMaxMs: 60_000 });
    const waits = Array.from({ length: 28 }, () => {
      backoff.limit();
      return backoff.next();
    });
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
    expect(Math.max(...waits)).toBe(8_000);
  });

  it('starts over after a reset', () => {
    const backoff = new Backoff(() => 0, { reconnectFirstMs: 100, reconnectMaxMs: 1_000 });
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });
});
