import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import vitestConfig from '../../vitest.config.ts';

interface Package {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly hasInstallScript?: boolean;
}

const read = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string | boolean>>;
const readLock = (file: string) => JSON.parse(read(file)) as { packages: Record<string, Package> };
const lock = readLock('package-lock.json');

/** What the host is made of, the agents' own programs, and a WhatsApp server by others for a test. */
const TREES = ['', 'container/agent-runner/', 'test/foreign-server/'] as const;

describe('the dependencies', () => {
  it('have no install script that package.json does not name, allowed or denied', () => {
    const named = Object.keys(manifest.allowScripts ?? {});
    const found = Object.entries(lock.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
      .sort();
    expect(found.length).toBeGreaterThan(0);
    expect([...new Set(found)].filter((name) => !named.includes(name))).toEqual([]);
  });

  it.each(TREES)('are pinned to exact versions (%s)', (tree) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      read(`${tree}package.json`),
    ) as Record<string, Record<string, string>>;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it.each(TREES)('are locked for every platform, so that a clean install works on each (%s)', (tree) => {
    const { packages } = readLock(`${tree}package-lock.json`);
    const locked = Object.keys(packages);
    const optional = Object.values(packages).flatMap((entry) =>
      Object.keys(entry.optionalDependencies ?? {}),
    );
    expect(locked.length).toBeGreaterThan(1);
    expect(optional.filter((name) => !locked.some((path) => path.endsWith(`node_modules/${name}`)))).toEqual(
      [],
    );
  });

  it('are installed without install scripts for the agents and the foreign server', () => {
    expect(String(manifest.scripts?.['foreign-server'])).toContain('--ignore-scripts');
    expect(String(manifest.scripts?.agents)).toContain('--ignore-scripts');
    const lines = read('container/build.sh') + read('container/lib/agents.sh');
    const installs = lines
      .split('\n')
      .filter((line) => /npm (ci|install)/.test(line) && !/^\s*#|echo|fail/.test(line));
    expect(installs.length).toBeGreaterThan(0);
    expect(installs.filter((line) => !line.includes('--ignore-scripts'))).toEqual([]);
  });

  it.each(TREES)('do not name a registry’s host in the lock file (%s)', (tree) => {
    expect(read(`${tree}package-lock.json`)).not.toMatch(/"resolved": "https?:/);
  });
});

// A sandbox writes below groups/ and data/: nothing there may run on this machine because somebody tests or formats the code.
describe('what developers run', () => {
  it('looks for tests and sources in directories of the package only, never in all of the checkout', () => {
    const projects = vitestConfig.test?.projects as readonly {
      readonly test: { readonly include: string[] };
    }[];
    const patterns = projects.flatMap(({ test }) => test.include);
    expect(patterns.length).toBeGreaterThan(8);
    const knip = JSON.parse(read('knip.json')) as { readonly project: string[] };
    const own = /^(?:src|container|test|simulator|bench|\{(?:(?:src|container|test)[,}])+)\//;
    expect([...patterns, ...knip.project].filter((pattern) => !own.test(pattern))).toEqual([]);
    expect(read('biome.json')).toMatch(/"!!groups",\s*"!!data"/);
  });
});
