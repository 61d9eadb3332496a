import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT, sharedDirectory } from '../../../test/support/sandbox.ts';
import { rememberingLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { pathsAt } from '../../paths.ts';
import { type ChooseRuntimeOptions, chooseRuntime, otherRuntimes } from './choose.ts';
import { ImageError, ImageMissingError } from './image-error.ts';

/** A directory with programs of the given sources, to be searched before nothing else. */
async function programs(sources: Readonly<Record<string, string>>): Promise<string> {
  const directory = sharedDirectory();
  for (const [name, source] of Object.entries(sources)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${source}\n`);
    await chmod(join(directory, name), 0o755);
  }
  return directory;
}

function options(path: string, change: Partial<ChooseRuntimeOptions> = {}) {
  const { log, lines } = rememberingLog();
  const chosen: ChooseRuntimeOptions = {
    requested: 'auto',
    provider: 'offline',
    image: 'nanoclaw-agent:latest',
    installId: '0a1b2c3d',
    paths: pathsAt(sharedDirectory()),
    packageRoot: PACKAGE_ROOT,
    log,
    environment: { PATH: path },
    ...change,
  };
  return { options: chosen, reasons: () => lines.map((line) => JSON.stringify(line)) };
}

const DOCKER_WITHOUT_IMAGE = 'case $1 in version) echo 20.10;; *) exit 1;; esac';
const DOCKER_WITHOUT_ENGINE = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';
const PODMAN_INFO = JSON.stringify({
  host: { security: { rootless: true }, cgroupControllers: ['cpu', 'memory', 'pids'] },
  version: { Version: '5.4.0' },
});
const BWRAP_REFUSED = 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1';

describe('the choice of a runtime', () => {
  it('is Docker where it works', async () => {
    const { options: chosen } = options(await programs({ docker: 'echo 20.10' }));
    const runtime = await chooseRuntime(chosen);
    expect(runtime.kind).toBe('docker');
    expect(runtime.description).toBe('Docker 20.10 (nanoclaw-agent:latest)');
  });

  it('fails where Docker lacks the image: that is no reason to fall back', async () => {
    const { options: chosen } = options(await programs({ docker: DOCKER_WITHOUT_IMAGE, bwrap: 'exit 0' }));
    await expect(chooseRuntime(chosen)).rejects.toThrow(ImageMissingError);
    await expect(chooseRuntime(chosen)).rejects.toThrow(/Build it: container\/build\.sh/);
  });

  it.each([
    ['{"nanoclaw.providers":"codex,kimi"}', 'claude', 'AGENT_PROVIDERS=codex,kimi,claude container/build.sh'],
    ['{"nanoclaw.providers":""}', 'kimi', 'it holds none'],
  ] as const)(
    'fails where the image’s labels are %s and %s is set: that is no reason to fall back',
    async (labels, provider, words) => {
      const docker = `case $1 in version) echo 20.10;; *) echo '${labels}';; esac`;
      const path = await programs({ docker, bwrap: 'exit 0' });
      const { options: chosen } = options(path, { provider });
      await expect(chooseRuntime(chosen)).rejects.toThrow(ImageError);
      await expect(chooseRuntime(chosen)).rejects.toThrow(words);
    },
  );

  it.each([
    ['{"nanoclaw.providers":"claude, codex"}', 'codex'],
    ['{"nanoclaw.providers":""}', 'offline'],
    ['{"maintainer":"somebody"}', 'claude'],
    ['null', 'claude'],
  ] as const)('is Docker where the image’s labels are %s and %s is set', async (labels, provider) => {
    const docker = `case $1 in version) echo 20.10;; *) echo '${labels}';; esac`;
    const { options: chosen } = options(await programs({ docker }), { provider });
    expect((await chooseRuntime(chosen)).kind).toBe('docker');
  });

  it('skips runtimes that do not work and says why', async () => {
    const path = await programs({ docker: DOCKER_WITHOUT_ENGINE, bwrap: 'exit 0' });
    const { options: chosen, reasons } = options(path, { hostUser: { uid: 501, gid: 501 } });
    expect((await chooseRuntime(chosen)).kind).toBe('bubblewrap');
    expect(reasons().join('\n')).toMatch(
      /docker.*does not answer[\s\S]*podman.*not installed[\s\S]*container.*not installed/,
    );
  });

  it('never falls back to running without a sandbox by itself', async () => {
    const { options: chosen } = options(await programs({}), { provider: 'offline' });
    await expect(chooseRuntime(chosen)).rejects.toThrow(
      /No container runtime works here\.\ndocker: [\s\S]*bubblewrap is not installed/,
    );
  });

  it('says what is wrong with the runtime that was asked for', async () => {
    const path = await programs({ bwrap: BWRAP_REFUSED });
    const asked = (requested: ChooseRuntimeOptions['requested']) =>
      chooseRuntime(options(path, { requested, hostUser: { uid: 501, gid: 501 } }).options);
    await expect(asked('bubblewrap')).rejects.toThrow(
      /setting up uid map: Permission denied.*user namespaces/,
    );
    await expect(asked('docker')).rejects.toThrow(/Docker is not installed/);
    await expect(asked('podman')).rejects.toThrow(/Podman is not installed\..*apt-get install podman/);
    await expect(asked('container')).rejects.toThrow(/Apple's container is not installed.*Mac/);
  });

  it('names the bundle when it is missing', async () => {
    const path = await programs({ bwrap: 'exit 0' });
    const { options: chosen } = options(path, {
      requested: 'bubblewrap',
      runnerFile: '/nonexistent/runner.mjs',
    });
    await expect(chooseRuntime(chosen)).rejects.toThrow(/npm run build:runner/);
  });

  it('falls back for the demo to runtimes without an image, and finally to the plain process', async () => {
    const path = await programs({ docker: DOCKER_WITHOUT_IMAGE, bwrap: BWRAP_REFUSED });
    const demo = { provider: 'offline', allowPlainProcess: true, hostUser: { uid: 501, gid: 501 } } as const;
    const { options: chosen, reasons } = options(path, demo);
    const runtime = await chooseRuntime(chosen);
    expect(runtime.kind).toBe('plain-process');
    expect(runtime.description).toMatch(/no sandbox/);
    expect(reasons()).toHaveLength(3);
  });

  it('falls back for the demo to Podman where it has the image and Docker has not', async () => {
    const podman = `case $1 in info) echo '${PODMAN_INFO}';; *) exit 0;; esac`;
    const path = await programs({ docker: DOCKER_WITHOUT_IMAGE, bwrap: BWRAP_REFUSED, podman });
    const demo = { provider: 'offline', allowPlainProcess: true, hostUser: { uid: 501, gid: 501 } } as const;
    const runtime = await chooseRuntime(options(path, demo).options);
    expect(runtime.description).toBe('Podman 5.4.0 rootless (nanoclaw-agent:latest)');
  });

  it('keeps the other runtimes for the search for orphans', async () => {
    const { options: chosen } = options(await programs({ docker: 'echo 20.10' }));
    const runtime = await chooseRuntime(chosen);
    const others = otherRuntimes(runtime, chosen);
    expect(others.map(({ kind }) => kind)).toEqual(['podman', 'container', 'bubblewrap']);
  });

  it('says how an agent’s program is installed that bubblewrap lacks', async () => {
    const path = await programs({ bwrap: 'exit 0' });
    const { options: chosen } = options(path, {
      requested: 'bubblewrap',
      provider: 'claude',
      packageRoot: sharedDirectory(),
    });
    await expect(chooseRuntime(chosen)).rejects.toThrow(/"claude" is not installed.*npm run agents/);
  });

  it('never gives the plain process to an agent that runs foreign code', async () => {
    const { options: chosen } = options(await programs({}), { provider: 'claude', allowPlainProcess: true });
    await expect(chooseRuntime(chosen)).rejects.toThrow(/"claude" runs foreign code and needs a sandbox/);
  });

  it('passes no key of the host to the docker program', async () => {
    const seen = join(temporaryDirectory(), 'seen');
    const path = await programs({ docker: `/usr/bin/env > ${seen}; echo 20.10` });
    const environment = { PATH: path, DOCKER_HOST: 'unix:///x', ANTHROPIC_API_KEY: 'sk-canary' };
    await chooseRuntime(options(path, { requested: 'docker', environment }).options);
    const text = await readFile(seen, 'utf8');
    expect(text).toContain('DOCKER_HOST=unix:///x');
    expect(text).not.toContain('sk-canary');
  });
});
