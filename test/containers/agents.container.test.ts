import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ModelRequest, type Script, startModelServer, USAGE } from '../model-server/model-server.ts';
import { House } from '../support/house.ts';
import { CANARY, REAL_AGENTS, type RealAgent, shell, text, tool } from './agents/real-agents.ts';
import { ENGINES } from './engines.ts';
import { TEST_IMAGE } from './image.ts';

/**
 * Looks for the key and for networks. The key is named in two halves: the command itself stands in the agent's transcript. Installed
 * packages are left out: a gigabyte of them lies in main's view of the project, and an agent waits for its shell some seconds only.
 */
const SEARCH = [
  `key=${CANARY.slice(0, 6)}; key="$key"${CANARY.slice(6, 14)}`,
  'files=$(grep -rls --exclude-dir=node_modules $key /workspace /home/node /tmp /app/agent-runner 2>/dev/null)',
  "seen=$(cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c $key)",
  'networks=$(tail -n +3 /proc/net/dev | cut -d: -f1 | xargs)',
  'echo "files [$files], environments $seen, networks $networks, sum $((40+2))"',
].join('; ');

/** What the model answers to each thing that the owner says. */
const REPLIES: Readonly<
  Record<string, (request: ModelRequest, results: readonly string[]) => ReturnType<Script>>
> = {
  'say hello': () => text('Hello from the model'),
  'look around': (request, results) =>
    results.length === 0 ? shell(request, SEARCH) : text(`I saw: ${results.at(-1)}`),
  'use your tools': (request, results) => {
    if (results.length === 0) {
      return tool(request, 'send_message', { text: 'I am on it' });
    }
    if (results.length === 1) {
      const schedule = { schedule_type: 'cron', schedule_value: '0 9 * * *' };
      return tool(request, 'schedule_task', { prompt: 'water the plants', ...schedule });
    }
    return text(`Done: ${results.at(-1)}`);
  },
  'what was first': ({ userTexts }) =>
    text(userTexts.join().includes('say hello') ? 'You asked for a hello' : 'I remember nothing'),
};

/** The thing that was said last decides. */
const script: Script = (request) => {
  const said = request.userTexts.join('\n');
  const [last] = Object.keys(REPLIES).sort((a, b) => said.lastIndexOf(b) - said.lastIndexOf(a));
  const reply = last === undefined || !said.includes(last) ? undefined : REPLIES[last];
  return reply?.(request, request.toolResults) ?? text('What?');
};

async function startHouse(agent: RealAgent, engine: string) {
  const model = await startModelServer(agent.protocol, script);
  onTestFinished(() => model.close());
  const house = await House.start({
    ...agent.env(model.url),
    AGENT_PROVIDER: agent.provider,
    CONTAINER_RUNTIME: engine,
    CONTAINER_IMAGE: TEST_IMAGE,
  });
  // No way out of the sandbox but the socket to the keys' proxy.
  house.change(`UPDATE registered_groups SET container_config = '{"network":"none"}'`);
  return { house, model };
}

function runLogs(house: House): readonly string[] {
  const directory = house.path('groups', 'main', 'logs');
  return readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
}

describe.each([...ENGINES, 'bubblewrap'])('an agent in a sandbox of %s', (engine) => {
  describe.each(REAL_AGENTS)('$provider', (agent) => {
    it('answers, uses its shell and the assistant’s tools, and remembers in the next container', async () => {
      const { house, model } = await startHouse(agent, engine);

      await house.say('@Andy say hello');
      await house.answer(/^Andy: Hello from the model$/);

      await house.idle();
      await house.say('@Andy look around');
      const seen = await house.answer(/I saw: /);
      expect(seen.text).toContain('files [], environments 0, networks lo, sum 42');

      await house.idle();
      await house.say('@Andy use your tools');
      await house.answer(/I am on it/);
      const done = await house.answer(/Done: /);
      expect(done.text).toMatch(/9:00/);
      const [task] = house.query<{ id: string; prompt: string; next_run: string }>(
        'SELECT id, prompt, next_run FROM scheduled_tasks',
      );
      expect(task?.prompt).toBe('water the plants');
      expect(done.text).toContain(task?.id);

      // Its sandbox is gone: the next one knows of it by the session alone.
      await house.idle();
      await house.say('@Andy what was first');
      await house.answer(/You asked for a hello/);

      expect(new Set(model.requests.map(({ key }) => key))).toEqual(new Set([CANARY]));
      expect(house.query('SELECT COUNT(DISTINCT session_id) AS sessions FROM sessions')).toEqual([
        { sessions: 1 },
      ]);
      const ids = house.log().flatMap((line) => /Session initialized: (\S+)$/.exec(line)?.[1] ?? []);
      expect(ids).toHaveLength(4);
      expect(new Set(ids).size).toBe(1);
      const [used] = house.query<{ requests: number; input: number; output: number }>(
        'SELECT SUM(requests) AS requests, SUM(input_tokens) AS input, SUM(output_tokens) AS output FROM usage',
      );
      expect(used).toEqual({
        requests: model.requests.length,
        input: model.requests.length * USAGE.inputTokens,
        output: model.requests.length * USAGE.outputTokens,
      });
      expect(house.log().join('\n')).not.toContain(CANARY);
      // An agent whose program is started before its turn is read gets that one: nobody would see why it took longer.
      await house.idle();
      const told = runLogs(house);
      expect(told).toHaveLength(4);
      expect(told.join('\n')).not.toContain('started ahead is not for this turn');
    });
  });
});
