import { installId } from './agent/install.ts';
import { chooseRuntime } from './agent/runtime/choose.ts';
import { testRuntime } from './agent/runtime/self-test.ts';
import { systemClock } from './clock.ts';
import { ConfigError, KEY_VARIABLES, loadBaseConfig, loadConfig, readVariables } from './config.ts';
import { accessTo } from './credentials/model-access.ts';
import { inspectCredentials, oldVersionAdvice, versionInUse, versionInWords } from './line.ts';
import type { Log } from './log.ts';
import { examine, type Finding } from './operations/doctor.ts';
import { lineOf } from './operations/status.ts';
import { pathsAt } from './paths.ts';
import { lockedBy } from './store/host-lock.ts';
import { lookInto } from './store/store.ts';

/**
 * Looks at this machine and this root as `./nanoclaw doctor` does; a host may be running.
 * @throws ConfigError when not even the root is known
 */
export async function examineHere(environment: NodeJS.ProcessEnv, log: Log): Promise<readonly Finding[]> {
  const base = loadBaseConfig(environment);
  const paths = pathsAt(base.root);
  return examine({
    paths,
    nodeVersion: process.versions.node,
    now: systemClock.now(),
    timezone: base.timezone,
    agent: () => {
      const { provider, credentials } = loadConfig(environment);
      if (provider === 'offline') return 'offline, needs no key';
      const access = accessTo(provider, readVariables(environment));
      const names = KEY_VARIABLES[provider].join(' or ');
      if (access === undefined)
        throw new ConfigError(`${provider} has no key\nPut ${names} into ${paths.env}`);
      return `${provider}, ${access.variable} is set, CREDENTIALS=${credentials}`;
    },
    account: () => inspectCredentials(paths.whatsappDatabase),
    version: () => {
      const inUse = versionInUse(paths.whatsappVersion, base.whatsapp.version);
      const now = systemClock.now();
      return { words: versionInWords(inUse, now), advice: oldVersionAdvice(inUse, now) };
    },
    line: async () => {
      const holder = lockedBy(paths.hostLock);
      const line = await lookInto(paths.database, (store) => lineOf(store, holder?.start));
      return { hostPid: holder?.pid ?? null, line: line ?? 'unknown' };
    },
    sandbox: async () => {
      const config = loadConfig(environment);
      const install = await installId(config.root);
      const runtime = await chooseRuntime({
        requested: config.runtime,
        provider: config.provider,
        image: config.image,
        installId: install,
        paths,
        packageRoot: config.packageRoot,
        log,
        environment,
      });
      const hostUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      return testRuntime({ runtime, paths, installId: install, hostUser, log });
    },
  });
}
