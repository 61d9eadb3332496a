import { constants, lchown, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseEnv } from 'node:util';
import { ADDRESS_VARIABLES, KEY_VARIABLES } from '../config.ts';
import type { Log } from '../log.ts';
import type { Provider } from '../protocol/provider.ts';
import { replaceFile } from '../replace-file.ts';
import type { Variables } from './model-access.ts';
import type { SandboxUser } from './socket-directory.ts';

export interface ManualEnvOptions {
  /** `data/env/env`, which the guides' manual commands mount into a container. */
  readonly file: string;
  readonly provider: Provider;
  readonly variables: Variables;
  readonly mode: 'proxy' | 'mount';
  /** Who reads it in the container; undefined: the host's own user. */
  readonly owner: SandboxUser | undefined;
  readonly log: Log;
}

const MAX_BYTES = 1024 * 1024;
const CREDENTIAL_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i;

/**
 * Keeps the file of the guides' manual commands: the provider's addresses under `proxy`, its keys too under `mount`. A
 * file with other keys was put there by hand (`cp .env data/env/env`) and stays; the log names them.
 * @returns what became of the file
 */
export async function keepManualEnv(options: ManualEnvOptions): Promise<'written' | 'unchanged' | 'left'> {
  const { file, provider, mode, owner, log } = options;
  const found = await readPlainFile(file);
  if (found === 'unreadable') {
    log.warn({ file }, 'The environment file for manual commands is no plain file that can be read');
    return 'left';
  }
  const content = contentFor(options);
  if (found === content) return 'unchanged';
  const ours: readonly string[] = mode === 'mount' ? KEY_VARIABLES[provider] : [];
  const foreign = Object.keys(parseEnv(found ?? '')).filter(
    (name) => CREDENTIAL_NAME.test(name) && !ours.includes(name),
  );
  if (foreign.length > 0) {
    log.warn(
      { file, variables: foreign },
      'The environment file for manual commands holds keys and is left as it is; remove it when it has served',
    );
    return 'left';
  }
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, content, 0o600);
  if (owner !== undefined) await lchown(file, owner.uid, owner.gid);
  return 'written';
}

function contentFor({ provider, variables, mode, log }: ManualEnvOptions): string {
  const names = [...(mode === 'mount' ? KEY_VARIABLES[provider] : []), ...ADDRESS_VARIABLES[provider]];
  return names
    .flatMap((name) => {
      const value = variables[name];
      if (value === undefined) return [];
      // The guides read the file with `export $(cat … | xargs)`.
      if (/[\s'"\\]/.test(value)) {
        log.warn(
          { variable: name },
          'A value with spaces or quotes is left out of the file for manual commands',
        );
        return [];
      }
      return [`${name}=${mode === 'proxy' ? withoutUser(value) : value}\n`];
    })
    .join('');
}

/** An address may carry a password. */
function withoutUser(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.username === '' && url.password === '') return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/** @returns the text; undefined when there is none, or a link, which is replaced and never followed */
async function readPlainFile(file: string): Promise<string | 'unreadable' | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile() || stats.size > MAX_BYTES) return 'unreadable';
      // The decoder takes a byte order mark off.
      return new TextDecoder().decode(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ELOOP' ? undefined : 'unreadable';
  }
}
