import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wellFormed } from '../../../../src/protocol/graphemes.ts';
import { MailboxResult } from '../../../../src/protocol/host-files.ts';

/** Events do not cross every virtual machine's border: the file is looked for this often besides. */
const RELOOK_MS = 500;

async function readResult(path: string): Promise<MailboxResult | undefined> {
  try {
    return MailboxResult.parse(JSON.parse(await readFile(path, 'utf8'), wellFormed));
  } catch (error) {
    // Not there yet, or written by hand and not whole yet: it is looked at again.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    return { ok: false, error: `the host's answer cannot be read: ${(error as Error).message}` };
  }
}

function watchIfThere(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(directory, onChange).on('error', onChange);
  } catch (error) {
    process.stderr.write(`results: ${(error as Error).message}\n`);
    return undefined;
  }
}

/**
 * Waits until the host has answered a request.
 * @param directory the host writes `<requestId>.json` there, whole, by a rename
 * @param timeoutMs milliseconds
 * @returns undefined when no answer came in time
 */
export function waitForResult(
  directory: string,
  requestId: string,
  timeoutMs: number,
): Promise<MailboxResult | undefined> {
  const path = join(directory, `${requestId}.json`);
  return new Promise((resolve) => {
    let settled = false;
    const finish = (result: MailboxResult | undefined) => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      clearInterval(relook);
      watcher?.close();
      resolve(result);
    };
    const look = async () => {
      const result = await readResult(path);
      if (result !== undefined) finish(result);
    };
    const deadline = setTimeout(() => finish(undefined), timeoutMs);
    const relook = setInterval(look, RELOOK_MS);
    const watcher = watchIfThere(directory, look);
    void look();
  });
}
