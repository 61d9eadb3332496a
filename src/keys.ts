import type { Credentials } from './agent/agent.ts';
import type { Runtime } from './agent/runtime/runtime.ts';
import type { Clock } from './clock.ts';
import { type Config, readVariables } from './config.ts';
import { KeyProxy } from './credentials/key-proxy.ts';
import { keepManualEnv } from './credentials/manual-env.ts';
import { accessTo, addressPath, type Variables } from './credentials/model-access.ts';
import { MountedKeys } from './credentials/mounted-keys.ts';
import { makeProxyPlace } from './credentials/proxy-place.ts';
import type { Log } from './log.ts';
import type { Paths } from './paths.ts';
import type { Provider } from './protocol/provider.ts';
import type { Store } from './store/store.ts';

export interface Keys {
  readonly credentials: Credentials;
  stop(): Promise<void>;
}

export interface KeysOptions {
  readonly config: Config;
  readonly paths: Paths;
  readonly store: Store;
  readonly runtime: Runtime;
  readonly installId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * How runs get to their models: through a proxy that holds the keys, or with the keys in their hands.
 * @throws ServiceAddressError and the errors of the proxy's start, each naming its cure
 */
export async function wireKeys(options: KeysOptions): Promise<Keys> {
  const { config, paths, store, runtime, installId, clock, log } = options;
  const variables = () => readVariables(process.env);
  checkAddress(config.provider, variables());
  try {
    await keepManualEnv({
      file: paths.manualEnv,
      provider: config.provider,
      variables: variables(),
      mode: config.credentials,
      owner: runtime.owner,
      log,
    });
  } catch (error) {
    // A full disk, say: the assistant itself does not need it.
    log.warn({ error }, 'The environment file for manual commands could not be written');
  }
  if (config.credentials === 'mount') {
    return { credentials: new MountedKeys(variables), stop: async () => undefined };
  }
  const proxy = new KeyProxy({
    place: await makeProxyPlace(
      {
        ...{ kind: runtime.kind, gateway: runtime.gateway, platform: process.platform },
        isDockerDesktop: runtime.isDockerDesktop,
      },
      {
        installId,
        owner: runtime.owner,
        hostUid: process.getuid?.() ?? 0,
        runtimeDirectory: process.env.XDG_RUNTIME_DIR,
      },
    ),
    readVariables: variables,
    onUsage: (use) => {
      try {
        store.usage.add(use, clock.now());
      } catch (error) {
        log.error({ err: error, run: use.runId }, 'What a model used could not be stored');
      }
    },
    log,
  });
  await proxy.start();
  return { credentials: proxy, stop: () => proxy.stop() };
}

/** A wrong address is told at the start, not at the first turn. */
function checkAddress(provider: Provider, variables: Variables): void {
  const access = provider === 'offline' ? undefined : accessTo(provider, variables);
  if (provider !== 'offline' && access !== undefined) addressPath(provider, access);
}
