import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';
import { testProgram } from '../support/program.ts';

const fault = (name: 'slow-start' | 'stop-hangs' | 'stop-throws'): string =>
  pathToFileURL(testProgram(name)).href;

/** How many agents have begun to work on a turn. */
const begun = (house: House): number => house.log().filter((line) => /Session initialized/.test(line)).length;

/** Starts a turn in the owner's own chat and waits until the agent is at work. */
async function busy(house: House, request: string): Promise<void> {
  const before = begun(house);
  await house.say(`@Andy ${request}`);
  await vi.waitFor(() => expect(begun(house)).toBe(before + 1));
}

describe('a host that is asked to end', () => {
  it('a shutdown with five turns answers those that end in time and the rest after the next start, each once', async () => {
    const house = await House.start({}, { timings: { shutdownGraceMs: 4_000, killGraceMs: 200 } });
    const chats = [house.simulator.selfChat];
    const subjects = ['One', 'Two', 'Three', 'Four'];
    for (const subject of subjects) chats.push(house.simulator.createGroup({ subject, members: [] }).jid);
    for (const subject of subjects) await house.say(`@Andy activate ${subject}`);
    for (const subject of subjects) await house.answer(new RegExp(`“${subject}” is active`));
    await house.idle();
    const before = begun(house);
    // Two end within the grace of four seconds, three do not.
    const seconds = [1.2, 1.5, 12, 12, 12];
    for (const [n, chat] of chats.entries()) await house.say(`@Andy sleep ${seconds[n]}`, chat);
    await vi.waitFor(() => expect(begun(house)).toBe(before + chats.length), { interval: 20 });
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
  });

  it('does not wait for a sandbox that only waits for follow-ups', async () => {
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
  });

  it('asks the sandbox of a running turn to end as soon as it has answered', async () => {
    const house = await House.start({ IDLE_TIMEOUT: '120000' });
    await busy(house, 'sleep 1');
    house.host.signal('SIGINT');
    expect(await house.host.exitCode()).toBe(0);
    expect(house.query('SELECT status, exit_reason FROM runs')).toEqual([
      { status: 'succeeded', exit_reason: 'exited' },
    ]);
  });

  it('treats the same signal twice within a second as one, because npm passes Ctrl-C on', async () => {
    const house = await House.start();
    await busy(house, 'sleep 1');
    house.host.signal('SIGINT');
    await setTimeout(50);
    house.host.signal('SIGINT');
    expect(await house.host.exitCode()).toBe(0);
    expect(house.query('SELECT status FROM runs')).toEqual([{ status: 'succeeded' }]);
  });

  it.each([
    ['the same signal later', 'SIGTERM', 1_500],
    ['another signal', 'SIGINT', 100],
  ] as const)(
    'a host that is asked to end again by %s ends at once, and its turn runs after the next start',
    async (_, second, afterMs) => {
      const house = await House.start();
      await busy(house, 'sleep 5');
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
  );

  it('tries every step though one fails, reports it, and exits with 1', async () => {
    const house = await House.start();
    await house.end();
    await house.begin([fault('stop-throws')]);
    house.host.signal('SIGTERM');
    expect(await house.host.exitCode()).toBe(1);
    await house.logged(/A step of the shutdown has failed; the others go on.*the mailbox cannot be stopped/);
    expect(house.log().some((line) => /The shutdown hangs/.test(line))).toBe(false);
    await house.begin();
    await house.say('@Andy ping');
    await house.answer(/pong/);
  });

  // With the host's own waiting times: a grace of 10 s, and the watchdog after 30 s.
  it('a turn is interrupted after the grace of 10 s, and a shutdown that hangs is ended by its watchdog after 30 s', {
    timeout: 120_000,
  }, async () => {
    const house = await House.start({}, { hasRealTimes: true });
    await house.end();
    await house.begin([fault('stop-hangs')]);
    await busy(house, 'sleep 60');
    const askedAt = Date.now();
    house.host.signal('SIGTERM');
    expect(await house.host.exitCode()).toBe(1);
    await house.logged(/The shutdown hangs, ending now/);
    const tookMs = Date.now() - askedAt;
    expect(tookMs).toBeGreaterThan(29_000);
    expect(tookMs).toBeLessThan(40_000);
    const [run] = house.query<{ status: string; ended_at: string }>('SELECT status, ended_at FROM runs');
    expect(run?.status).toBe('interrupted');
    const graceMs = Date.parse(run?.ended_at ?? '') - askedAt;
    expect(graceMs).toBeGreaterThan(9_500);
    expect(graceMs).toBeLessThan(25_000);
  });

  it('a host that gets SIGTERM or SIGINT while it starts ends in order, starts no turn and opens no connection', async () => {
    const house = await House.start();
    // A turn waits in the database.
    await busy(house, 'sleep 2');
    await house.end('SIGKILL');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const before = house.log().length;
      house.launch([fault('slow-start')]);
      const log = (): string => house.log().slice(before).join('\n');
      await vi.waitFor(() => expect(log()).toMatch(/INFO: Sandbox: /));
      house.host.signal(signal);
      expect(await house.host.exitCode(), signal).toBe(0);
      expect(log()).toMatch(/INFO: Stopped/);
      expect(log()).not.toMatch(/Ready|Container arguments|ERROR|line is open/);
    }
    await house.begin();
    await house.answer(/slept/);
    expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
  });
});
