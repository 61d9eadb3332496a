import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('a restriction of the account', () => {
  it('is reported when the server announces it, with its end, and once more when it is lifted', async () => {
    await rig.pair();
    const { listener, server } = rig;
    server.faults.restrictAccount(true, 3_600);
    const first = await listener.until(() => listener.restrictions[0], 'the restriction');
    expect(first).toMatch(/not talked to until \d{4}-/);
    server.faults.restrictAccount(false);
    await listener.until(() => listener.restrictions.includes(undefined) || undefined, 'its end');
  });

  it('ends with a reconnect when only a refused message revealed it and the server knows of none', async () => {
    await rig.pair();
    const { channel, listener, server } = rig;
    const stranger = server.addPerson({ name: 'Peter' });
    server.faults.rejectSends(463);
    const hello = { kind: 'text', text: 'hello' } as const;
    await channel.send(stranger.jid, hello, channel.newWireId());
    await listener.until(
      () => listener.restrictions.find((reason) => reason !== undefined),
      'the restriction',
    );
    await channel.stop();
    const since = listener.restrictions.length;
    await channel.start();
    await listener.until(
      () => listener.restrictions.slice(since).includes(undefined) || undefined,
      'its end',
    );
  });
});
