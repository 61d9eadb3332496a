import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('an agent that fails', () => {
  it('is tried again, and then the chat is notified once, in plain words, with the log’s name', async () => {
    const house = await House.start();
    await house.say('@Andy crash');
    const { text } = await house.answer(/did not work/);
    expect(text).toMatch(/\(container-.*\.log\)/);
    expect(house.query<{ status: string }>('SELECT status FROM runs')).toEqual(
      Array(3).fill({ status: 'failed' }),
    );
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said().filter((line) => /did not work/.test(line))).toHaveLength(1);
  }, 240_000);

  it.each([
    ['exits without a frame', 'vanish', /without an answer/],
    ['reports an error', 'fail', /did not work/],
    ['floods stdout before its answer', 'flood 100', /done/],
    ['sends a frame that never ends', 'flood frame 20', /could not be read/],
  ])(
    'an agent that %s does not delay another chat',
    async (_, command, words) => {
      const house = await House.start();
      const family = house.simulator.createGroup({ subject: 'Family', members: [] });
      await house.say('@Andy activate Family');
      await house.answer(/is active/);
      await house.say(`@Andy ${command}`);
      await house.say('@Andy ping', family.jid);
      await house.answer(/pong/, family.jid);
      await house.answer(words);
    },
    240_000,
  );

  it('is ended at its deadline when it hangs, even if it ignores the request to end; other chats are served', async () => {
    const house = await House.start({ CONTAINER_TIMEOUT: '2000' });
    const family = house.simulator.createGroup({ subject: 'Family', members: [] });
    await house.say('@Andy activate Family');
    await house.answer(/is active/);
    await house.say('@Andy hang on');
    await house.logged(/Container arguments.*"group":"main"/);
    await house.say('@Andy ping', family.jid);
    await house.answer(/pong/, family.jid);
    // The deadline is never shorter than IDLE_TIMEOUT plus 30 seconds.
    await house.logged(/Container timeout/);
    await house.answer(/did not work: the agent took too long and was stopped/);
    expect(
      house.query(
        "SELECT status, exit_reason FROM runs WHERE group_folder = 'main' AND status != 'succeeded'",
      ),
    ).toEqual([{ status: 'failed', exit_reason: 'timeout' }]);
  }, 240_000);
});
