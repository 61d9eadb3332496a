import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { CredentialsStore } from './credentials-store.ts';

describe('a process that is killed while it writes', () => {
  it.each([1, 2, 3])('leaves one whole state behind (round %i)', async (round) => {
    const file = join(temporaryDirectory(), 'whatsapp.db');
    const paired = CredentialsStore.open(file);
    Object.assign(paired.creds, { me: { id: '491511:7@s.whatsapp.net' }, account: {} });
    paired.save(paired.creds);
    paired.close();
    const modules = join(import.meta.dirname, 'credentials-store.ts');
    const script = `
      import { CredentialsStore } from ${JSON.stringify(modules)};
      const store = CredentialsStore.open(${JSON.stringify(file)});
      for (let n = 1; ; n += 1) {
        const value = Buffer.from(String(n).padStart(2000, '.'));
        store.keys.set({ session: { a: value }, 'sender-key': { b: value }, 'pre-key': { [n]: { public: value, private: value }, [n - 1]: null } });
        store.creds.nextPreKeyId = n;
        store.save(store.creds);
        if (n === ${round * 20}) process.stdout.write('writing\\n');
      }`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const store = CredentialsStore.open(file);
    onTestFinished(() => store.close());
    expect(store.paired).toBe(true);
    const { a } = await store.keys.get('session', ['a']);
    const { b } = await store.keys.get('sender-key', ['b']);
    expect(a).toEqual(b);
    const n = Number(
      Buffer.from(a ?? [])
        .toString()
        .replaceAll('.', ''),
    );
    expect(n).toBeGreaterThanOrEqual(round * 20);
    expect(Object.keys(await store.keys.get('pre-key', [`${n - 1}`, `${n}`, `${n + 1}`]))).toEqual([`${n}`]);
    expect(n - store.creds.nextPreKeyId).toBeLessThanOrEqual(1);
  });
});
