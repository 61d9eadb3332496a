import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../test/support/sandbox.ts';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { sourceHash, warnOfStaleImage } from './image-source.ts';

it('the hash of the image’s sources is missing where there are no sources', async () => {
  await expect(sourceHash(temporaryDirectory())).rejects.toThrow(/ENOENT/);
});

describe('an image', () => {
  it('is reported only when it was built from other sources', async () => {
    const { log, lines } = rememberingLog();
    const current = await sourceHash(PACKAGE_ROOT);
    await warnOfStaleImage({ imageSource: async () => undefined }, PACKAGE_ROOT, log);
    await warnOfStaleImage({ imageSource: async () => current }, PACKAGE_ROOT, log);
    expect(lines).toEqual([]);
    await warnOfStaleImage({ imageSource: async () => '0123456789abcdef' }, PACKAGE_ROOT, log);
    expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('container/build.sh')]);
  });

  it('an image that cannot be compared is logged and stops nothing', async () => {
    const { log, lines } = rememberingLog();
    const built = { imageSource: async () => '0123456789abcdef' };
    await warnOfStaleImage(built, temporaryDirectory(), log);
    const gone = { imageSource: () => Promise.reject(new Error('the engine has gone')) };
    await warnOfStaleImage(gone, PACKAGE_ROOT, log);
    expect(lines).toEqual([
      expect.objectContaining({
        msg: expect.stringContaining('cannot be compared'),
        error: expect.stringContaining('ENOENT'),
      }),
      expect.objectContaining({ error: 'the engine has gone' }),
    ]);
  });
});
