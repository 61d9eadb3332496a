import { describe, expect, it } from 'vitest';
import { REAL_AGENTS, shell, text } from './agents/real-agents.ts';
import { agentRig } from './agents/rig.ts';
import { KINDS } from './engine-agent.ts';

describe.each(KINDS)('an agent in a container of %s', (kind) => {
  describe.each(REAL_AGENTS)('$provider', (agent) => {
    it('ends when it is asked to, in the middle of a command, and leaves nothing behind', async () => {
      let working: () => void = () => undefined;
      const atWork = new Promise<void>((resolve) => {
        working = resolve;
      });
      const { agent: runner, request } = await agentRig(kind, agent, (asked) => {
        if (asked.toolResults.length > 0) return text('done');
        working();
        return shell(asked, 'sleep 300');
      });
      const running = await runner.runner.run(request('wait'), async () => undefined);
      await atWork;
      await running.stop();
      expect(await running.done).toMatchObject({ reason: 'stopped' });
      expect(await runner.runtime.listOwn()).toEqual([]);
    });

    it('takes a follow-up that arrived while it worked', async () => {
      let followed: Promise<boolean> | undefined;
      const { agent: runner, request } = await agentRig(kind, agent, async (asked) => {
        const said = asked.userTexts.join();
        if (said.includes('and then this')) return text('answered the follow-up');
        if (asked.toolResults.length > 0) return text('answered the first');
        // The agent waits for its model meanwhile.
        followed ??= running.then((turn) => turn.followUp('1.json', 'and then this'));
        expect(await followed).toBe(true);
        return shell(asked, 'sleep 2');
      });
      const answers: string[] = [];
      const running = runner.runner.run(request('begin'), async ({ result }) => {
        if (result != null) answers.push(result);
      });
      expect(await (await running).done).toMatchObject({ reason: 'exited', exitCode: 0 });
      expect(answers.at(-1)).toBe('answered the follow-up');
      expect(await runner.runner.hasTaken('family', '1.json')).toBe(true);
    });
  });
});
