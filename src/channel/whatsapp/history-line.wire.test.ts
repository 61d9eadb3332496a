import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { trustMedia } from '../../../simulator/client/trust-media.ts';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

const DAY_MS = 86_400_000;

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('the history from before the device was linked', () => {
  it('names people and chats, and is never delivered as a message', async () => {
    const { server } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    const family = server.createGroup({ subject: 'Family', members: [peter] });
    for (let age = 3; age > 0; age -= 1) {
      server.addPast({ chat: peter.jid, as: peter, text: '@Andy old', at: Date.now() - age * DAY_MS });
      server.addPast({ chat: family.jid, as: peter, text: '@Andy old', at: Date.now() - age * DAY_MS });
      server.addPast({ chat: server.selfChat, text: '@Andy old', at: Date.now() - age * DAY_MS });
    }
    await rig.pair();
    const { listener } = rig;
    await listener.until(
      () => listener.chats.find(({ jid, lastActivity }) => jid === peter.jid && lastActivity !== undefined),
      'the chat with Peter',
    );
    await server.say({ chat: server.selfChat, text: 'new' });
    await listener.message('new');
    expect(listener.texts).toEqual(['new']);
    expect(listener.chats.map(({ jid }) => jid)).toContain(family.jid);
    expect(server.problems).toEqual([]);
  });

  it('is read where its older part comes as a file', async () => {
    const { server } = rig;
    server.changeRules({ history: 'downloads' });
    const [peter, zoe] = [server.addPerson({ name: 'Peter' }), server.addPerson({ name: 'Zoe' })];
    const newest = Date.now() - DAY_MS;
    for (const [person, age] of [
      [zoe, 3],
      [peter, 2],
      [peter, 1],
    ] as const)
      server.addPast({ chat: person.jid, as: person, text: 'old', at: newest - age * DAY_MS });
    const distrust = trustMedia();
    onTestFinished(distrust);
    const paths: string[] = [];
    const real = globalThis.fetch;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      const { host, pathname, search } = new URL(url);
      if (host !== 'mmg.whatsapp.net') return real(url, init);
      paths.push(pathname);
      return real(server.mediaUrlOf(`${pathname}${search}`), init);
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    await rig.pair();
    await vi.waitFor(() => expect(paths).toHaveLength(1));
    await server.say({ chat: server.selfChat, text: 'new' });
    await rig.listener.message('new');
    expect(rig.listener.texts).toEqual(['new']);
    expect(server.problems).toEqual([]);
    expect(rig.log).not.toMatch(/"level":50/);
  });
});
