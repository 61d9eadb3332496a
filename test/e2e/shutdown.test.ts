import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

const SLOW_MS = 300_000;
const WITHIN = { timeout: 40_000, interval: 50 };

const fault = (name: 'slow-start' | 'stop-hangs' | 'stop-throws'): string =>
  new URL(`../support/${name}.ts`, import.meta.url).href;

/** Starts a turn in the owner's own chat and waits until the agent is at work. */
async function busy(house: House, request: string): Promise<void> {
  const before = house.log().filter((line) => /Container arguments/.test(line)).length;
  await house.say(`@Andy ${request}`);
  await vi.waitFor(
    () =>
      expect(house.log().filter((line) => /Container arguments/.test(line)).length).toBeGreaterThan(before),
    WITHIN,
  );
}

describe('a host that is asked to end', () => {
  it(
    'a shutdown with five turns answers those that end in time and the rest after the next start, each once',
    async () => {
      const house = await House.start();
      const chats = [house.simulator.selfChat];
      for (const subject of ['One', 'Two', 'Three', 'Four']) {
        chats.push(house.simulator.createGroup({ subject, members: [] }).jid);
        await house.say(`@Andy activate ${subject}`);
        await house.answer(new RegExp(`“${subject}” is active`));
      }
      const before = house.log().length;
      // Two end within the grace of ten seconds, three do not.
      const seconds = [3, 3.5, 25, 26, 27];
      const atWork = () =>
        house
          .log()
          .slice(before)
          .filter((line) => /Container arguments/.test(line)).length;
      // The long ones first: then the machine has only the short ones' sandboxes to start within the grace.
      for (const some of [
        [2, 3, 4],
        [0, 1],
      ]) {
        const awaited = atWork() + some.length;
        for (const n of some) await house.say(`@Andy sleep ${seconds[n]}`, chats[n]);
        await vi.waitFor(() => expect(atWork()).toBe(awaited), { ...WITHIN, interval: 20 });
      }
      house.host.signal('SIGTERM');
      // Comes while it ends: no new turn begins, and it waits for the next start.
      await house.say('@Andy echo late', chats[4] ?? '');
      expect(await house.host.exitCode()).toBe(0);
      const ends = house.query<{ status: string }>('SELECT status FROM runs ORDER BY seq DESC LIMIT 5');
      expect(ends.map(({ status }) => status).toSorted()).toEqual([
        ...Array(3).fill('interrupted'),
        ...Array(2).fill('succeeded'),
      ]);
      await house.begin();
      for (const [n, chat] of chats.entries()) await house.answer(new RegExp(`slept ${seconds[n]} `), chat);
      await house.answer(/late/, chats[4] ?? '');
      await house.idle();
      for (const [n, chat] of chats.entries()) {
        const slept = house.said(chat).filter((text) => /slept/.test(text));
        expect(slept).toEqual([`I slept ${seconds[n]} seconds.`]);
      }
    },
    SLOW_MS,
  );

  it(
    'does not wait for a sandbox that only waits for follow-ups',
    async () => {
      const house = await House.start({ IDLE_TIMEOUT: '120000' });
      await house.say('@Andy ping');
      await house.answer(/pong/);
      expect(house.query("SELECT 1 FROM runs WHERE status = 'running'")).toHaveLength(1);
      house.host.signal('SIGTERM');
      expect(await house.host.exitCode()).toBe(0);
      // Nothing had to be ended: it went when it was asked.
      expect(house.query('SELECT status, exit_reason FROM runs')).toEqual([
        { status: 'succeeded', exit_reason: 'exited' },
      ]);
    },
    SLOW_MS,
  );

  it(
    'asks the sandbox of a running turn to end as soon as it has answered',
    async () => {
      const house = await House.start({ IDLE_TIMEOUT: '120000' });
      await busy(house, 'sleep 2');
      house.host.signal('SIGINT');
      expect(await house.host.exitCode()).toBe(0);
      expect(house.query('SELECT status, exit_reason FROM runs')).toEqual([
        { status: 'succeeded', exit_reason: 'exited' },
      ]);
    },
    SLOW_MS,
  );

  it(
    'treats the same signal twice within a second as one, because npm passes Ctrl-C on',
    async () => {
      const house = await House.start();
      await busy(house, 'sleep 2');
      house.host.signal('SIGINT');
      await setTimeout(50);
      house.host.signal('SIGINT');
      expect(await house.host.exitCode()).toBe(0);
      expect(house.query('SELECT status FROM runs')).toEqual([{ status: 'succeeded' }]);
    },
    SLOW_MS,
  );

  it.each([
    ['the same signal later', 'SIGTERM', 3_000],
    ['another signal', 'SIGINT', 100],
  ] as const)(
    'a host that is asked to end again by %s ends at once, and its turn runs after the next start',
    async (_, second, afterMs) => {
      const house = await House.start();
      await busy(house, 'sleep 8');
      house.host.signal('SIGTERM');
      await setTimeout(afterMs);
      house.host.signal(second);
      expect(await house.host.exitCode()).toBe(1);
      await house.logged(new RegExp(`Asked to end again by ${second}: ending at once`));
      // Nobody had the time to settle it.
      expect(house.query('SELECT status FROM runs')).toEqual([{ status: 'running' }]);
      await house.begin();
      await house.answer(/slept/);
      await house.idle();
      expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
    },
    SLOW_MS,
  );

  it(
    'tries every step though one fails, reports it, and exits with 1',
    async () => {
      const house = await House.start();
      await house.end();
      await house.begin([fault('stop-throws')]);
      house.host.signal('SIGTERM');
      expect(await house.host.exitCode()).toBe(1);
      await house.logged(
        /A step of the shutdown has failed; the others go on.*the mailbox cannot be stopped/,
      );
      expect(house.log().some((line) => /The shutdown hangs/.test(line))).toBe(false);
      await house.begin();
      await house.say('@Andy ping');
      await house.answer(/pong/);
    },
    SLOW_MS,
  );

  it(
    'a shutdown that hangs is ended by its watchdog',
    async () => {
      const house = await House.start();
      await house.end();
      await house.begin([fault('stop-hangs')]);
      house.host.signal('SIGTERM');
      expect(await house.host.exitCode()).toBe(1);
      await house.logged(/The shutdown hangs, ending now/);
    },
    SLOW_MS,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'a host that gets %s while it starts ends in order, starts no turn and opens no connection',
    async (signal) => {
      const house = await House.start();
      // A turn waits in the database.
      await busy(house, 'sleep 3');
      await house.end('SIGKILL');
      const before = house.log().length;
      house.launch([fault('slow-start')]);
      await vi.waitFor(() => expect(house.log().slice(before).join('\n')).toMatch(/INFO: Sandbox: /), WITHIN);
      house.host.signal(signal);
      expect(await house.host.exitCode()).toBe(0);
      const log = house.log().slice(before).join('\n');
      expect(log).toMatch(/INFO: Stopped/);
      expect(log).not.toMatch(/Ready|Container arguments|ERROR|line is open/);
      await house.begin();
      await house.answer(/slept/);
      expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
    },
    SLOW_MS,
  );
});
