import { describe, expect, it } from 'vitest';
import { cpuMs, requireProc, residentMiB } from './process-usage.ts';

describe.runIf(process.platform === 'linux')('what a process uses', () => {
  it('is told of a living one', async () => {
    await requireProc();
    const used = process.cpuUsage();
    expect(await cpuMs(process.pid)).toBeGreaterThanOrEqual((0.5 * (used.user + used.system)) / 1_000);
    expect(await residentMiB(process.pid)).toBeGreaterThan(10);
  });

  it('is refused for one that is not there', async () => {
    const nobody = 2 ** 30;
    await expect(cpuMs(nobody)).rejects.toThrow('ENOENT');
    await expect(residentMiB(nobody)).rejects.toThrow('ENOENT');
  });
});
