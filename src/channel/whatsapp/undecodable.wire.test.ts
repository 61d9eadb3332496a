import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

const directory = () => join(rig.directory, 'undecodable');
const kept = () => readdirSync(directory()).map((name) => join(directory(), name));

async function say(text: string): Promise<void> {
  await rig.server.say({ chat: rig.server.selfChat, text });
  await rig.listener.message(text);
}

async function reconnect(): Promise<void> {
  const since = rig.listener.lines.length;
  rig.server.faults.dropConnections();
  await rig.listener.line('open', since);
}

describe('a frame that is no stanza', () => {
  it('is skipped and kept for a bug report at each login, and costs neither the connection nor what follows it', async () => {
    const since = rig.listener.lines.length;
    rig.server.faults.sendUndecodable('frame');
    await say('after the frame');
    expect(rig.listener.lines.slice(since)).toEqual([]);
    for (const text of ['first login', 'second login']) {
      rig.server.faults.goOffline();
      await rig.server.say({ chat: rig.server.selfChat, text });
      rig.server.faults.comeBack();
      await rig.listener.message(text);
    }
    await say('live');
    await vi.waitFor(() => expect(rig.log.match(/could not be decoded and was skipped/g)).toHaveLength(3));
    const [file = '', ...others] = kept();
    expect(others).toEqual([]);
    expect(rig.log).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('end of stream');
    expect(rig.log).not.toContain('could not be read');
  });
});

describe('a stanza that the client cannot handle', () => {
  it('is acknowledged, kept for a bug report and skipped when it comes for the second time', async () => {
    const id = rig.server.faults.sendUndecodable('stanza') ?? '';
    await say('after the stanza');
    const waiting = () => rig.server.devices()[0]?.waiting;
    await vi.waitFor(() => expect(waiting()).toBe(1));
    await reconnect();
    await vi.waitFor(() => expect(waiting()).toBe(0));
    await vi.waitFor(() => expect(rig.log).toContain('could not be handled twice and was skipped'));
    const [file = '', ...others] = kept();
    expect(others).toEqual([]);
    expect(rig.log).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      stanza: { tag: 'receipt', attrs: { id } },
    });
    await say('live');
    expect(rig.server.problems).toEqual([]);
  });

  it('is one of only a few that are kept when many cannot be handled', async () => {
    const ids = Array.from({ length: 7 }, () => rig.server.faults.sendUndecodable('stanza') ?? '');
    await say('after the stanzas');
    await reconnect();
    await vi.waitFor(() => expect(rig.log.match(/could not be handled twice/g)).toHaveLength(ids.length));
    expect(kept()).toHaveLength(5);
  });
});
