import { describe, expect, it } from 'vitest';
import { cpuMs, requireProc, residentMiB } from './process-usage.ts';

describe.runIf(process.platform === 'linux')('the usage of a process', () => {
  it('is returned for a running process', async () => {
    await requireProc();
    const used = process.cpuUsage();
    expect(await cpuMs(process.pid)).toBeGreaterThanOrEqual((0.5 * (used.user + used.system)) / 1_000);
    expect(await residentMiB(process.pid)).toBeGreaterThan(10);
  });

  it('is refused for a process that does not exist', async () => {
    const nobody = 2 ** 30;
    await expect(cpuMs(nobody)).rejects.toThrow('ENOENT');
    await expect(residentMiB(nobody)).rejects.toThrow('ENOENT');
  });
});
