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
    expect(readFileSync(file).equals(DATA)).toBe(true);
  });

  it('is uploaded again by the phone when the server has lost it, and its message stays the same', async () => {
    const { fetch, file } = await picture();
    expect(rig.server.faults.loseMedia()).toBeGreaterThan(0);
    expect(await fetch()).toEqual({ kind: 'fetched', bytes: DATA.length });
    expect(readFileSync(file).equals(DATA)).toBe(true);
    expect(rig.listener.changes).toEqual([]);
    expect(rig.listener.texts).toEqual(['look']);
  });

  it('is tried again later when the server has lost it and WhatsApp is disconnected', async () => {
    const { fetch } = await picture();
    rig.server.faults.loseMedia();
    await rig.channel.stop();
    expect(await fetch()).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/cannot be asked/) });
  });

  it('a file whose download is cut off leaves nothing, and arrives the next time', async () => {
    const { fetch, left } = await picture();
    rig.server.faults.truncateMedia();
    expect(await fetch()).toMatchObject({ kind: 'failed' });
    expect(await left()).toEqual([]);
    expect(await fetch()).toEqual({ kind: 'fetched', bytes: DATA.length });
  });

  it('a download that takes long is aborted when the host stops', async () => {
    const { fetch, left } = await picture();
    rig.server.faults.slowMedia(1_000);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 100);
    onTestFinished(() => clearTimeout(timer));
    expect(await fetch(1_000_000, abort.signal)).toEqual({ kind: 'failed', reason: 'stopped' });
    expect(await left()).toEqual([]);
  });
});
