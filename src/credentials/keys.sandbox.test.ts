import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chooseTestRuntime, sharedDirectory, testAgent } from '../../test/support/sandbox.ts';
import { rememberingLog, silentLog } from '../../test/support/silent-log.ts';
import type { Credentials } from '../agent/agent.ts';
import { pathsAt } from '../paths.ts';
import { KeyProxy } from './key-proxy.ts';
import { makeProxyPlace } from './proxy-place.ts';
import type { UsageReport } from './request-handler.ts';
import { CANARY } from './testing/proxy.ts';
import { startService } from './testing/service.ts';

// Only asks which sandbox there is: nothing is run in this root.
const runtime = await chooseTestRuntime({ installId: 'none', paths: pathsAt(tmpdir()), log: silentLog });

/**
 * Runs inside in the agent's place: asks the model as the agents' programs do, then looks for a secret wherever it may
 * look. The prompt is the secret in two halves, or it would be found there.
 */
const PROGRAM = `
import fs from 'node:fs';
import { readEnvDir } from './env-file.ts';
import { reachModel } from './reach-model.ts';

const wanted = JSON.parse(fs.readFileSync(0, 'utf8')).prompt.replace('+', '');
const given = readEnvDir('/workspace/env-dir');
const env = await reachModel({ ...process.env, ...given });
const reply = await fetch(env.ANTHROPIC_BASE_URL + '/v1/messages', {
  method: 'POST',
  headers: { 'x-api-key': env.ANTHROPIC_API_KEY },
  body: '{"hello":"model"}',
});
const answer = await reply.text();

const found = [];
const unreadable = [];
const look = (name, read) => {
  try {
    if (read().includes(wanted)) found.push(name);
  } catch (error) {
    unreadable.push(name + ' ' + error.code);
  }
};
const walk = (directory) => {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const path = directory + '/' + entry.name;
    if (entry.isDirectory()) walk(path);
    else if (entry.isFile()) look(path, () => fs.readFileSync(path, 'latin1'));
  }
};
look('environment', () => JSON.stringify([process.env, env]));
look('answer', () => answer + JSON.stringify([...reply.headers]));
for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name))) {
  for (const file of ['environ', 'cmdline']) look(pid + file, () => fs.readFileSync('/proc/' + pid + '/' + file, 'latin1'));
}
fs.writeFileSync('/home/node/probe', 'the search finds this: ' + ['probe', '8841'].join('-'));
for (const place of ['/workspace', '/home/node', '/tmp', '/app/agent-runner']) walk(place);

let planted = 'done';
try { fs.writeFileSync('/workspace/credentials/other.sock', ''); } catch (error) { planted = error.code; }
const result = JSON.stringify({ status: reply.status, answer, found, unreadable, planted, given });
process.stdout.write('---NANOCLAW_OUTPUT_START---\\n' + JSON.stringify({ status: 'success', result }) + '\\n---NANOCLAW_OUTPUT_END---\\n');
process.exit(0);
`;

/** The program with the runner's own way to the model in it. */
async function bundled(): Promise<string> {
  const resolveDir = fileURLToPath(new URL('../../container/agent-runner/src', import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir, loader: 'js' },
    ...{ bundle: true, write: false, platform: 'node', format: 'esm', target: 'node20' },
  });
  return outputFiles[0]?.text ?? '';
}

async function runInside(secret: string) {
  const service = await startService((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"type":"message","model":"m","usage":{"input_tokens":5,"output_tokens":6}}');
  });
  const root = sharedDirectory();
  const paths = pathsAt(root, root);
  await writeFile(paths.env, `ANTHROPIC_API_KEY=${CANARY}\n`);
  process.env.ANTHROPIC_API_KEY = CANARY;
  onTestFinished(() => void delete process.env.ANTHROPIC_API_KEY);
  const { log, lines } = rememberingLog();
  const usage: UsageReport[] = [];
  const socket = {
    installId: 'test',
    owner: runtime.owner,
    hostUid: process.getuid?.() ?? 0,
    runtimeDirectory: undefined,
    temporaryDirectory: sharedDirectory(),
  };
  const place = await makeProxyPlace({ kind: runtime.kind, platform: process.platform }, socket);
  const proxy = new KeyProxy({
    place,
    readVariables: () => ({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url }),
    onUsage: (report) => void usage.push(report),
    log,
  });
  await proxy.start();
  onTestFinished(() => proxy.stop());
  // The program that stands in the agent's place needs no agent to be installed, and asks Claude's service.
  const credentials: Credentials = { issue: (run) => proxy.issue({ ...run, provider: 'claude' }) };
  const agent = await testAgent({ credentials, program: await bundled(), paths, log });
  const half = Math.floor(secret.length / 2);
  const turn = await agent.turn(`${secret.slice(0, half)}+${secret.slice(half)}`);
  expect(turn.outcome).toMatchObject({ reason: 'exited', exitCode: 0, error: undefined });
  const told = JSON.parse(turn.results[0] ?? '{}') as Record<string, unknown> & {
    given: Record<string, string>;
  };
  return { told, service, usage, lines, paths, place };
}

if (runtime.kind === 'plain-process') {
  it('an agent that needs a key is not run in a plain process', () => {
    expect(runtime.description).toMatch(/offline agent only/);
  });
} else {
  describe('a turn in a sandbox without network', () => {
    it('is answered by the model, and the host’s key is nowhere', async () => {
      const { told, service, usage, lines } = await runInside(CANARY);
      expect(told).toMatchObject({ status: 200, found: [], unreadable: [], planted: 'EROFS' });
      expect(Object.keys(told.given)).toEqual(
        expect.arrayContaining(['TZ', 'IDLE_TIMEOUT', 'NANOCLAW_PROXY', 'ANTHROPIC_API_KEY']),
      );
      expect(service.asked).toMatchObject([{ body: '{"hello":"model"}', headers: { 'x-api-key': CANARY } }]);
      expect(usage).toMatchObject([
        { groupFolder: 'family', provider: 'claude', inputTokens: 5, outputTokens: 6 },
      ]);
      const logged = JSON.stringify(lines);
      expect(logged).toContain('Model request');
      for (const secret of [CANARY, told.given.ANTHROPIC_API_KEY ?? 'none'])
        expect(logged).not.toContain(secret);
    });

    it('is searched in a way that finds a key that is there', async () => {
      const { told } = await runInside('probe-8841');
      expect(told.found).toEqual(['/home/node/probe']);
    });

    it('leaves no socket behind, and its token is gone', async () => {
      const { paths, place } = await runInside(CANARY);
      expect(await readdir(paths.runEnv)).toEqual([]);
      expect(place.kind === 'unix' && (await readdir(place.directory))).toEqual([]);
    });
  });
}
