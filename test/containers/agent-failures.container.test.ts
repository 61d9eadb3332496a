import { describe, expect, it } from 'vitest';
import { REAL_AGENTS, text } from './agents/real-agents.ts';
import { agentRig } from './agents/rig.ts';
import { type EngineKind, KINDS } from './engine-agent.ts';

/** What the programs say of a missing or refused key, and no chat should see. */
const OWN_WORDS = /\/login|LLM is not set|codex login|ANTHROPIC_API_KEY is set/i;

// What a program reports does not depend on the engine: the first one runs all of it, each runs one row.
const [ANY] = KINDS as readonly [EngineKind];

describe('an agent in a container', () => {
  describe.each(REAL_AGENTS)('$provider', (agent) => {
    it.each(agent.errors)('reports $kind (status $status)', async ({ kind: errorKind, ...error }) => {
      const { turn } = await agentRig(ANY, agent, () => ({ ...error, kind: 'error' }));
      const { outcome, frames, results } = await turn('hello');
      expect(outcome).toMatchObject({ reason: 'exited', exitCode: 1 });
      expect(frames.at(-1)).toMatchObject({ status: 'error', errorKind });
      expect(frames.at(-1)?.error).not.toMatch(OWN_WORDS);
      expect(results).toEqual([]);
    });

    it('reports a missing key, without a request', async () => {
      const { turn, model } = await agentRig(ANY, agent, () => text('never'), { variables: () => ({}) });
      const { frames, results } = await turn('hello');
      expect(frames.at(-1)).toMatchObject({ status: 'error', errorKind: 'no_key' });
      expect(frames.at(-1)?.error).not.toMatch(OWN_WORDS);
      expect(results).toEqual([]);
      expect([...model.requests, ...model.strangers]).toEqual([]);
    });

    it('answers once and whole when a stream was cut', async () => {
      let asked = 0;
      const { turn, model } = await agentRig(ANY, agent, () => {
        asked += 1;
        return asked === 1 ? { kind: 'cut', text: 'Half of' } : text('The whole answer');
      });
      const { results } = await turn('hello');
      expect(results).toEqual(['The whole answer']);
      expect(model.requests).toHaveLength(2);
    });

    it('reports a lost session, and no other error as one', async () => {
      const { turn } = await agentRig(ANY, agent, () => text('hello'));
      const gone = {
        claude: '7d1f0c2e-9c1b-4a55-8a52-0f6f3b8f2a11',
        codex: '0199a213-81c0-7800-8aa1-bbab2a035a53',
        kimi: 'session_7d1f0c2e-9c1b-4a55-8a52-0f6f3b8f2a11',
      };
      const { frames } = await turn('hello', { sessionId: gone[agent.provider] });
      expect(frames.at(-1)).toMatchObject({ status: 'error', errorKind: 'session_lost' });
    });
  });
});

describe.each(KINDS)('an agent in a container of %s', (kind) => {
  it.each(REAL_AGENTS)('reports a service that $provider cannot reach', async (agent) => {
    const { turn, model } = await agentRig(kind, agent, () => text('never'));
    await model.close();
    const { frames } = await turn('hello');
    expect(frames.at(-1)).toMatchObject({ status: 'error', errorKind: 'network' });
  });
});
