import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { trustMedia } from '../../../simulator/client/trust-media.ts';
import { Simulator } from '../../../simulator/simulator.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import type { FetchOutcome } from '../channel.ts';
import { Rig } from './testing/rig.ts';

const DATA = randomBytes(200_000);

let rig: Rig<Simulator>;
let untrust: () => void;

beforeEach(async () => {
  untrust = trustMedia();
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
  untrust();
});

/** Sends a picture to the account, and fetches it. */
async function picture() {
  await rig.server.say({
    chat: rig.server.selfChat,
    media: { kind: 'image', data: DATA, mimeType: 'image/jpeg', caption: 'look' },
  });
  const { attachments } = await rig.listener.message('look');
  const directory = temporaryDirectory();
  const file = join(directory, 'picture');
  const fetch = (maxBytes = 1_000_000, signal = new AbortController().signal): Promise<FetchOutcome> =>
    rig.channel.fetch(attachments?.[0]?.reference ?? '', file, maxBytes, signal);
  return { fetch, file, left: () => readdir(directory) };
}

describe('a file that came with a message', () => {
  it('is fetched, opened and checked', async () => {
    const { fetch, file } = await picture();
    expect(await fetch()).toEqual({ kind: 'fetched', bytes: DATA.length });
    expect(readFileSync(file)).toEqual(DATA);
  });

  it('that the server has lost is put there again by the phone, and its message stays as it was', async () => {
    const { fetch, file } = await picture();
    expect(rig.server.faults.loseMedia()).toBeGreaterThan(0);
    expect(await fetch()).toEqual({ kind: 'fetched', bytes: DATA.length });
    expect(readFileSync(file)).toEqual(DATA);
    expect(rig.listener.changes).toEqual([]);
    expect(rig.listener.texts).toEqual(['look']);
  });

  it('that the server has lost is tried again later while the line is away', async () => {
    const { fetch } = await picture();
    rig.server.faults.loseMedia();
    await rig.channel.stop();
    expect(await fetch()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/cannot be asked/) });
  });

  it('and is cut off on the way leaves nothing, and comes the next time', async () => {
    const { fetch, left } = await picture();
    rig.server.faults.truncateMedia();
    expect(await fetch()).toMatchObject({ kind: 'failed' });
    expect(await left()).toEqual([]);
    expect(await fetch()).toEqual({ kind: 'fetched', bytes: DATA.length });
  });

  it('and takes long is broken off when the host stops', async () => {
    const { fetch, left } = await picture();
    rig.server.faults.slowMedia(1_000);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 100);
    onTestFinished(() => clearTimeout(timer));
    expect(await fetch(1_000_000, abort.signal)).toEqual({ kind: 'failed', reason: 'stopped' });
    expect(await left()).toEqual([]);
  });
});
