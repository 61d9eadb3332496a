import { existsSync } from 'node:fs';
import { type RestoreReport, restoreBackup } from '../../../src/operations/backup/restore.ts';
import { pathsAt } from '../../../src/paths.ts';

/** Restores a backup into a root whose account counts as none, so that it is replaced too. @param now milliseconds since the epoch */
export function restore(root: string, file: string, now: number): Promise<RestoreReport> {
  const paths = pathsAt(root, root);
  return restoreBackup({
    paths,
    file,
    now,
    timezone: 'UTC',
    accounts: {
      inspect: (path) =>
        path !== paths.whatsappDatabase && existsSync(path)
          ? { status: 'paired', number: '491511', name: undefined }
          : { status: 'absent' },
      freshen: () => undefined,
    },
  });
}
