import { expect, it } from 'vitest';
import { silentLog } from '../test/support/silent-log.ts';
import { NotStoppedError, type StopStep, stopInOrder } from './stop-in-order.ts';

it('the steps of a stop run one after the other', async () => {
  const stopped: string[] = [];
  const step = (name: string): StopStep => [
    name,
    async () => {
      await new Promise((resolve) => setImmediate(resolve));
      stopped.push(name);
    },
  ];
  await stopInOrder([step('a'), step('b'), step('c')], silentLog);
  expect(stopped).toEqual(['a', 'b', 'c']);
});

it('every step of a stop is tried although some fail, and the error names those', async () => {
  const stopped: string[] = [];
  const steps: StopStep[] = [
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['rejects', () => Promise.reject(new Error('y'))],
    ['works', () => void stopped.push('works')],
  ];
  const failure = await stopInOrder(steps, silentLog).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NotStoppedError);
  expect((failure as Error).message).toMatch(/throws, rejects$/);
  expect(stopped).toEqual(['works']);
});
