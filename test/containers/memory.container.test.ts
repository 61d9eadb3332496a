import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ModelRequest, type Script, startModelServer } from '../model-server/model-server.ts';
import { House } from '../support/house.ts';
import { REAL_AGENTS, type RealAgent, shell, text } from './agents/real-agents.ts';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

const GROUP_MEMORY = '/workspace/group/CLAUDE.md';
const INVALID_KEY = { kind: 'error', status: 401, type: 'invalid_api_key', message: 'no' } as const;

/** Where each agent keeps its transcripts, below `data/sessions/<folder>/`. */
const TRANSCRIPTS = { claude: '.claude/projects', codex: '.codex/sessions', kimi: '.kimi/sessions' } as const;

/** Writes down what it is told to, by the agent's shell, and answers everything else. */
const script: Script = (request) => {
  const said = request.userTexts.join('\n');
  const notes = [...said.matchAll(/note down (\w+)/g)].map(([, note]) => note);
  const last = said.lastIndexOf('note down');
  if (last >= 0 && last > said.lastIndexOf('go on') && request.toolResults.length === 0)
    return shell(request, `echo "- ${notes.at(-1)}" >> ${GROUP_MEMORY}`);
  return text('Very well');
};

/** A host with the keys of all agents, and what each of their models was asked. */
async function startHouse(engine: string) {
  const asked = new Map<string, readonly ModelRequest[]>();
  let isRefusing = false;
  const env: Record<string, string> = {};
  for (const agent of REAL_AGENTS) {
    const model = await startModelServer(agent.protocol, (request) =>
      isRefusing ? INVALID_KEY : script(request),
    );
    onTestFinished(() => model.close());
    asked.set(agent.provider, model.requests);
    const { AGENT_MODEL: _, ...variables } = agent.env(model.url);
    Object.assign(env, variables);
  }
  const house = await House.start({ ...env, CONTAINER_RUNTIME: engine, CONTAINER_IMAGE: TEST_IMAGE });
  return {
    house,
    refuse: (on: boolean) => {
      isRefusing = on;
    },
    /** Says something, and tells what the model was asked for it first, whole. */
    ask: async (agent: RealAgent, words: string): Promise<string> => {
      await house.idle();
      const settings = { provider: agent.provider, model: agent.env('').AGENT_MODEL, network: 'none' };
      house.change(`UPDATE registered_groups SET container_config = '${JSON.stringify(settings)}'`);
      const requests = asked.get(agent.provider) ?? [];
      const before = requests.length;
      await house.say(`@Andy ${words}`);
      await house.answer(/Very well/);
      await house.idle();
      return JSON.stringify(requests[before]?.body);
    },
  };
}

function transcripts(root: string, { provider }: RealAgent): readonly string[] {
  const directory = join(root, 'data', 'sessions', 'main', TRANSCRIPTS[provider]);
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => join(directory, file));
}

describe.each(ENGINES)('agents in containers of %s', (engine) => {
  it('share their notes: each agent reads what the ones before it wrote down', async () => {
    const { house, ask } = await startHouse(engine);
    writeFileSync(join(house.root, 'groups', 'global', 'CLAUDE.md'), 'Everybody knows RHUBARB.\n');
    for (const [n, agent] of REAL_AGENTS.entries()) {
      const request = await ask(agent, `note down NOTE${n}`);
      expect(request, `${agent.provider} and everybody’s memory`).toContain('RHUBARB');
      for (let before = 0; before < n; before++)
        expect(request, `${agent.provider} and note ${before}`).toContain(`- NOTE${before}`);
    }
    const memory = join(house.root, 'groups', 'main', 'CLAUDE.md');
    expect(readFileSync(memory, 'utf8')).toMatch(/- NOTE0\n- NOTE1\n- NOTE2\n/);
    for (const agent of REAL_AGENTS) {
      // By hand, while no agent works.
      appendFileSync(memory, `Then came ${agent.provider.toUpperCase()}MARK.\n`);
      const request = await ask(agent, 'go on');
      expect(request, `${agent.provider} resumes its session`).toContain('note down NOTE');
      expect(request, `${agent.provider} reads the memory as it is now`).toContain('- NOTE2');
      expect(request).toContain(`${agent.provider.toUpperCase()}MARK`);
    }
    expect(house.query('SELECT DISTINCT status FROM runs')).toEqual([{ status: 'succeeded' }]);
  });
});

describe('an agent in containers', () => {
  // What a program makes of its own files does not depend on the engine.
  const [engine = ''] = ENGINES;

  describe.each(REAL_AGENTS)('$provider', (agent) => {
    it('starts a new session when its row or folder was removed, or its transcript is broken', async () => {
      const { house, ask } = await startHouse(engine);
      const lost = (): number => house.said().filter((said) => /lost the thread/.test(said)).length;
      await ask(agent, 'the word is ALPHA');
      expect(await ask(agent, 'the word is BETA')).toContain('ALPHA');

      house.change("DELETE FROM sessions WHERE group_folder = 'main'");
      expect(await ask(agent, 'the word is GAMMA')).not.toContain('ALPHA');
      expect(lost()).toBe(0);

      rmSync(join(house.root, 'data', 'sessions', 'main', TRANSCRIPTS[agent.provider]), { recursive: true });
      expect(await ask(agent, 'the word is DELTA')).not.toContain('GAMMA');
      expect(lost()).toBe(1);
      await house.logged(/Stale session cleared/);

      for (const file of transcripts(house.root, agent)) writeFileSync(file, '{"cut');
      await ask(agent, 'the word is EPSILON');
      expect(await ask(agent, 'go on')).toContain('EPSILON');
      expect(house.said().filter((said) => /That did not work/.test(said))).toEqual([]);
    });

    it('reports a refused key once, in plain words, and continues where the last answered turn ended', async () => {
      const { house, ask, refuse } = await startHouse(engine);
      await ask(agent, 'the word is ALPHA');
      refuse(true);
      await house.say('@Andy the word is BETA');
      const { text: words } = await house.answer(/That did not work/);
      expect(words).toMatch(/the model’s service refused the key.*\(container-.*\.log\)$/);
      await house.idle();
      expect(house.said().filter((said) => /That did not work/.test(said))).toHaveLength(1);
      expect(house.query("SELECT 1 FROM runs WHERE status = 'failed'")).toHaveLength(1);
      refuse(false);
      const request = await ask(agent, 'go on');
      expect(request).toContain('ALPHA');
      expect(request, 'the prompt of the turn that was given up').not.toContain('BETA');
    });
  });
});
