import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { MINUTE } from '../../clock.ts';
import { Rig } from './testing/rig.ts';

const clock = { at: 0, now: () => clock.at };
let rig: Rig<Simulator>;
/** How often the client has asked for all groups. */
let asked = 0;

beforeEach(async () => {
  clock.at = Date.now();
  asked = 0;
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }), { clock });
  rig.server.on('stanza', ({ direction, node }) => {
    if (direction === 'in' && node.attrs.xmlns === 'w:g2' && JSON.stringify(node).includes('participating'))
      asked += 1;
  });
  await rig.pair();
  await answers(1);
});

afterEach(async () => {
  await rig.close();
});

/** Waits for so many whole lists. */
function answers(count: number): Promise<true> {
  return rig.listener.until(() => (rig.listener.groupLists.length >= count ? true : undefined), 'the groups');
}

/** The line is lost and comes back after so long. */
async function absence(ms: number): Promise<void> {
  const { listener, server } = rig;
  const since = listener.lines.length;
  server.faults.goOffline();
  await listener.line('connecting', since);
  clock.at += ms;
  server.faults.comeBack();
  await listener.line('open', since);
}

describe('all groups', () => {
  it('are requested when the connection opens first, and not each time that a flapping connection returns', async () => {
    for (let n = 0; n < 5; n += 1) await absence(MINUTE);
    // What was asked before this is answered before it.
    await rig.channel.syncGroups();
    expect(asked).toBe(2);
  });

  it('are requested when the connection returns after a long absence', async () => {
    await absence(10 * MINUTE);
    await answers(2);
    expect(asked).toBe(2);
  });

  it('are requested after a reconnect, however soon, when no answer had arrived before', async () => {
    await rig.channel.stop();
    const off = rig.server.on('stanza', ({ direction, node }) => {
      if (direction !== 'in' || node.attrs.xmlns !== 'w:g2') return;
      off();
      rig.server.faults.dropConnections();
    });
    rig.make({ clock });
    await rig.channel.start();
    await answers(1);
    expect(asked).toBe(3);
  });
});
