import { execFile } from 'node:child_process';
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ADDRESS_VARIABLES, Environment, KEY_VARIABLES, loadConfig } from '../../src/config.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Milliseconds: a shell is started here. */
const TIMEOUT_MS = 30_000;

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('the documentation', () => {
  it('explains every variable in .env.example', () => {
    const example = read('.env.example');
    const names = [...Object.keys(Environment.shape), ...Object.values(KEY_VARIABLES).flat()];
    expect(names.filter((name) => !new RegExp(`^(# )?${name}=`, 'm').test(example))).toEqual([]);
  });

  it('names in .env.example no variable that nothing reads', () => {
    const known = new Set<string>([
      ...Object.keys(Environment.shape),
      ...Object.values(KEY_VARIABLES).flat(),
    ]);
    const addresses: readonly string[] = Object.values(ADDRESS_VARIABLES).flat();
    const builders = ['AGENT_PROVIDERS', 'INSTALL_CJK_FONTS', 'INSTALL_BROWSER'];
    const named = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
    expect(named.filter((name) => !known.has(name) && ![...addresses, ...builders].includes(name))).toEqual(
      [],
    );
    for (const name of builders) expect(read('container/build.sh')).toContain(name);
  });

  it('names every command of npm and of nanoclaw in the README', () => {
    const readme = read('README.md');
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const helpers = ['prepare', 'build:host', 'build:runner', 'lint', 'types', 'imports', 'unused'];
    const npm = Object.keys(scripts).filter((name) => !helpers.includes(name));
    const forNpm = (name: string): string =>
      ['test', 'start'].includes(name) ? `npm ${name}` : `npm run ${name}`;
    expect(npm.filter((name) => !readme.includes(forNpm(name)))).toEqual([]);
    // A command below another one follows the variable that holds it: groups.command('set').
    const commands = [...read('src/cli.ts').matchAll(/(\w+)\s*\.command\('([a-z]+)/g)].map(
      ([, parent, name]) => (parent === 'nanoclaw' ? name : `${parent} ${name}`),
    );
    expect(commands.length).toBeGreaterThan(3);
    expect(commands.filter((name) => !readme.includes(`nanoclaw ${name}`))).toEqual([]);
  });
});

describe('.env.example', { timeout: TIMEOUT_MS }, () => {
  it('can be read by the guides’ export $(cat … | xargs)', async () => {
    const script = `set -e; export $(grep -v '^#' .env.example | xargs); printf '%s' "$ASSISTANT_NAME"`;
    const { stdout } = await run('bash', ['-c', script], { cwd: ROOT });
    expect(stdout).toBe('Andy');
    // With the comments in it, bash complains of words that are no names; apostrophes and quotes would stop xargs itself.
    await run('bash', ['-c', 'xargs < .env.example > /dev/null'], { cwd: ROOT });
    expect(read('.env.example')).not.toMatch(/['"]/);
  });

  it('is a configuration that works with nothing but a key added', () => {
    const root = temporaryDirectory();
    const file = join(root, '.env');
    copyFileSync(join(ROOT, '.env.example'), file);
    expect(() => loadConfig({ NANOCLAW_ROOT: root })).toThrow(/Put one key into .*ANTHROPIC_API_KEY/);
    appendFileSync(file, 'KIMI_API_KEY=sk-x\n');
    expect(loadConfig({ NANOCLAW_ROOT: root }).provider).toBe('kimi');
  });
});
