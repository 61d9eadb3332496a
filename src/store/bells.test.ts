import { expect, it } from 'vitest';
import { Bells } from './bells.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a thousand rings in one turn of the event loop call a listener once', async () => {
  const bells = new Bells();
  let calls = 0;
  bells.on('groups', () => void calls++);
  for (let n = 0; n < 1_000; n += 1) bells.ring('groups');
  await turn();
  await turn();
  expect(calls).toBe(1);
  bells.ring('groups');
  await turn();
  expect(calls).toBe(2);
});

it('rings while a listener works lead to one more run after it, not to one each', async () => {
  const bells = new Bells();
  const ends: (() => void)[] = [];
  bells.on('groups', () => new Promise((resolve) => void ends.push(resolve)));
  bells.ring('groups');
  await turn();
  for (let n = 0; n < 100; n += 1) {
    bells.ring('groups');
    await turn();
  }
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await turn();
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await turn();
  await turn();
  expect(ends).toHaveLength(2);
});

it('a listener that is silenced while it works is not called again', async () => {
  const bells = new Bells();
  let calls = 0;
  let end: () => void = () => undefined;
  bells.on('groups', () => {
    calls += 1;
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  bells.ring('groups');
  await turn();
  bells.ring('groups');
  bells.silence();
  end();
  await turn();
  await turn();
  expect(calls).toBe(1);
});
