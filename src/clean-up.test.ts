import { expect, it } from 'vitest';
import { withCleanUp } from './clean-up.ts';

const failing = (words: string) => () => Promise.reject(new Error(words));

it('an error in the clean-up does not replace the error of the work', async () => {
  const ended: string[] = [];
  await expect(withCleanUp(failing('the cause'), failing('the clean-up'))).rejects.toThrow('the cause');
  await expect(
    withCleanUp(failing('the cause'), () => {
      ended.push('cleaned up');
      throw new Error('the clean-up');
    }),
  ).rejects.toThrow('the cause');
  expect(ended).toEqual(['cleaned up']);
});

it('a clean-up runs after work that succeeded, and its error is reported then', async () => {
  const steps: string[] = [];
  const work = async () => {
    steps.push('work');
    return 7;
  };
  expect(await withCleanUp(work, () => void steps.push('clean-up'))).toBe(7);
  expect(steps).toEqual(['work', 'clean-up']);
  await expect(withCleanUp(work, failing('the clean-up'))).rejects.toThrow('the clean-up');
});
