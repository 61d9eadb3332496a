import { existsSync } from 'node:fs';
import { rootOf } from './config.ts';
import { openLog } from './log.ts';
import { pathsAt } from './paths.ts';

/**
 * Writes why a start failed into the root's log files, whatever kept it from opening its own log. Best effort: where no
 * root is, or nothing can be written, the terminal alone says it.
 * @param environment the process environment
 */
export function logFailedStart(
  environment: Readonly<Record<string, string | undefined>>,
  error: unknown,
): void {
  try {
    const paths = pathsAt(rootOf(environment));
    if (!existsSync(paths.root)) return;
    const files = { file: paths.log, errorFile: paths.errorLog, onFileFailure: () => undefined };
    const { log, close } = openLog({ level: 'fatal', ...files });
    log.fatal({ err: error }, 'The assistant cannot start');
    close();
  } catch {
    // The error itself is reported by the caller.
  }
}
