import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

/** Milliseconds between what the database has of two instants. */
const between = (one: string, other: string): number => Date.parse(other) - Date.parse(one);

interface Run {
  readonly status: string;
  readonly exit_reason: string;
  readonly started_at: string;
  readonly ended_at: string;
}

describe('an agent that fails', () => {
  // With the host's own waiting times: retries after 5 s and 20 s, a deadline of 30 s, and 3 s from SIGTERM to SIGKILL.
  it('is retried after 5 s and 20 s and reported once, and one that hangs is ended at its deadline; other chats are served', {
    timeout: 120_000,
  }, async () => {
    const house = await House.start({ CONTAINER_TIMEOUT: '2000' }, { hasRealTimes: true });
    const [family, work] = ['Family', 'Work'].map(
      (subject) => house.simulator.createGroup({ subject, members: [] }).jid,
    ) as [string, string];
    for (const subject of ['Family', 'Work']) {
      await house.say(`@Andy activate ${subject}`);
      await house.answer(new RegExp(`“${subject}” is active`));
    }
    await house.idle();
    const runs = (folder: string): readonly Run[] =>
      house.query(
        `SELECT status, exit_reason, started_at, ended_at FROM runs WHERE group_folder = '${folder}' AND status != 'succeeded' ORDER BY seq`,
      );

    // Hangs, and ignores the request to end.
    await house.say('@Andy hang on', work);
    await house.logged(/Container arguments.*"group":"work"/);
    await house.say('@Andy crash');
    await house.say('@Andy ping', family);
    await house.answer(/pong/, family);
    expect(house.log().join('\n')).not.toMatch(/Container timeout/);

    const { text } = await house.answer(/did not work/);
    expect(text).toMatch(/\(container-.*\.log\)/);
    const tries = runs('main');
    expect(tries.map(({ status }) => status)).toEqual(Array(3).fill('failed'));
    const [first, second, third] = tries as [Run, Run, Run];
    expect(between(first.ended_at, second.started_at)).toBeGreaterThanOrEqual(5_000);
    expect(between(second.ended_at, third.started_at)).toBeGreaterThanOrEqual(20_000);
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said().filter((line) => /did not work/.test(line))).toHaveLength(1);

    // The deadline is never shorter than IDLE_TIMEOUT plus 30 seconds.
    await house.logged(/Container timeout/);
    await house.answer(/did not work for .*: the agent took too long and was stopped/, work);
    await house.idle();
    const hung = runs('work');
    expect(hung).toMatchObject([{ status: 'failed', exit_reason: 'timeout' }]);
    const [{ started_at, ended_at }] = hung as [Run];
    expect(between(started_at, ended_at)).toBeGreaterThanOrEqual(33_000);
  });

  it('does not delay another chat when it ends without a frame, reports an error, floods stdout or sends an endless frame', async () => {
    const house = await House.start();
    const family = house.simulator.createGroup({ subject: 'Family', members: [] });
    await house.say('@Andy activate Family');
    await house.answer(/is active/);
    for (const [command, words] of [
      ['vanish', /without an answer/],
      ['fail', /did not work/],
      ['flood 100', /done/],
      ['flood frame 20', /could not be read/],
    ] as const) {
      await house.say(`@Andy ${command}`);
      await house.say('@Andy ping', family.jid);
      await house.answer(/pong/, family.jid);
      await house.answer(words);
      await house.idle();
    }
  });
});
