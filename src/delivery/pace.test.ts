import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

const START = Date.UTC(2026, 0, 1);

function rig() {
  let now = START;
  const pace = new Pace({ now: () => now });
  /** Sends as fast as it may. @returns when, in milliseconds after the start */
  const send = (chat: string, urgency: 'answer' | 'bulk' = 'answer'): number => {
    now = Math.max(now, pace.nextSend(chat, urgency));
    pace.take(chat);
    return now - START;
  };
  const wait = (ms: number): void => {
    now += ms;
  };
  return { pace, send, wait, now: () => now };
}

describe('the rate limit of sending', () => {
  it('allows a chat five messages at once, and then one a second', () => {
    const { send } = rig();
    expect(Array.from({ length: 8 }, () => send('a'))).toEqual([0, 0, 0, 0, 0, 1_000, 2_000, 3_000]);
  });

  it('allows all chats together twenty at once, and then one each second and a half', () => {
    const { send } = rig();
    const times = Array.from({ length: 23 }, (_, n) => send(`chat ${n}`));
    expect(times.slice(0, 20)).toEqual(new Array(20).fill(0));
    expect(times.slice(20)).toEqual([1_500, 3_000, 4_500]);
  });

  it('reserves its last part for answers to people who wait', () => {
    const { send, pace } = rig();
    for (let n = 0; n < 15; n += 1) expect(send(`chat ${n}`, 'bulk')).toBe(0);
    expect(pace.nextSend('another', 'bulk')).toBeGreaterThan(START);
    expect(pace.nextSend('another', 'answer')).toBeLessThanOrEqual(START);
  });

  it('refills with time, to the burst and no further', () => {
    const { send, wait } = rig();
    for (let n = 0; n < 5; n += 1) send('a');
    wait(3_600_000);
    const times = Array.from({ length: 6 }, () => send('a') - 3_600_000);
    expect(times).toEqual([0, 0, 0, 0, 0, 1_000]);
  });

  it('is not held up when the clock is set back', () => {
    const { pace, send, wait, now } = rig();
    for (let n = 0; n < 20; n += 1) send('a');
    wait(-3_600_000);
    // Asked again at each instant that was promised, as who waits for it does.
    let asks = 0;
    for (let next = pace.nextSend('a', 'answer'); next > now(); next = pace.nextSend('a', 'answer')) {
      wait(next - now());
      asks += 1;
    }
    expect(asks).toBeLessThanOrEqual(2);
    expect(now() - START + 3_600_000).toBeLessThanOrEqual(60_000);
  });

  it('is never exceeded in any minute, whoever writes to whom', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(2_000)), { maxLength: 200 }),
        (sends) => {
          const { send, wait } = rig();
          const times: number[] = [];
          for (const [chat, pause] of sends) {
            wait(pause);
            times.push(send(chat));
          }
          for (const from of times) {
            const inMinute = times.filter((time) => time >= from && time < from + 60_000).length;
            expect(inMinute).toBeLessThanOrEqual(20 + 40);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('a clock that is set back by hours makes no message wait for it', () => {
  const clock = { at: Date.UTC(2026, 0, 1), passed: 0, now: () => clock.at, elapsed: () => clock.passed };
  const pace = new Pace(clock);
  for (let n = 0; n < 5; n += 1) pace.take('a@s');
  clock.at -= 5 * 3_600_000;
  expect(pace.nextSend('a@s', 'answer') - clock.at).toBe(1_000);
  clock.passed += 1_000;
  expect(pace.nextSend('a@s', 'answer')).toBeLessThanOrEqual(clock.at);
});
