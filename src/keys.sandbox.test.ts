import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { chooseTestRuntime, sharedDirectory } from '../test/support/sandbox.ts';
import { rememberingLog } from '../test/support/silent-log.ts';
import { testStore } from '../test/support/test-store.ts';
import { systemClock } from './clock.ts';
import { loadConfig } from './config.ts';
import { ServiceAddressError } from './credentials/model-access.ts';
import { wireKeys } from './keys.ts';
import { pathsAt } from './paths.ts';

afterEach(() => void vi.unstubAllEnvs());

async function wiring(variables: Record<string, string>) {
  const root = sharedDirectory();
  for (const [name, value] of Object.entries({ ...variables, NANOCLAW_ROOT: root })) vi.stubEnv(name, value);
  const paths = pathsAt(root, root);
  await mkdir(paths.data);
  await mkdir(paths.groups);
  const { log, lines } = rememberingLog();
  const config = loadConfig(process.env);
  const runtime = await chooseTestRuntime({ installId: 'x', paths, log });
  const wire = () =>
    wireKeys({ config, paths, store: testStore(), runtime, installId: 'x', clock: systemClock, log });
  return { wire, paths, lines };
}

it.each(['proxy', 'mount'])(
  'an invalid address stops the start under %s, and the error names its variable',
  async (mode) => {
    const { wire } = await wiring({
      ...{ CREDENTIALS: mode, AGENT_PROVIDER: 'kimi', KIMI_API_KEY: 'k', KIMI_BASE_URL: 'localhost:1234' },
    });
    const wired = wire();
    await expect(wired).rejects.toThrow(ServiceAddressError);
    await expect(wired).rejects.toThrow(/KIMI_BASE_URL/);
  },
);

it('a file for manual commands that cannot be written does not stop the start', async () => {
  const { wire, paths, lines } = await wiring({
    CREDENTIALS: 'mount',
    AGENT_PROVIDER: 'kimi',
    KIMI_API_KEY: 'k',
  });
  await writeFile(dirname(paths.manualEnv), 'no directory');
  const keys = await wire();
  expect(JSON.stringify(lines)).toMatch(/environment file for manual commands/);
  await keys.stop();
});
