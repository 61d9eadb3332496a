import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';
import { PINNED_VERSION } from './version.ts';

const [, , PINNED] = PINNED_VERSION;
const NEWER = PINNED + 5_000_000;

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

const known = () => JSON.parse(readFileSync(rig.versionFile, 'utf8'));

describe('the version of WhatsApp Web', () => {
  it('is looked up before an account is linked, so that a server that takes only the current one links it', async () => {
    rig.server.changeRules({ currentRevision: NEWER, oldestRevision: NEWER });
    await rig.pair();
    await vi.waitFor(() => expect(known().lastLogin).toBeDefined());
    expect(known()).toMatchObject({
      lookedUp: { version: [2, 3000, NEWER] },
      lastLogin: { version: [2, 3000, NEWER] },
    });
  });

  it('is the built-in one where none can be looked up', async () => {
    rig.server.changeRules({ currentRevision: 0 });
    await rig.pair();
    expect(rig.log).toMatch(
      /could not be looked up.*names no client revision|names no client revision.*could not be looked up/,
    );
  });

  it('falls back to the built-in one at once when the server refuses the one that was looked up', async () => {
    rig.server.changeRules({ currentRevision: PINNED - 1, oldestRevision: PINNED });
    await rig.pair();
    expect(rig.listener.lines.some((line) => line.status === 'stopped')).toBe(false);
    expect(rig.log).toContain('another one is tried');
  });

  it('falls back to that of the last login before the built-in one', async () => {
    rig.server.changeRules({ currentRevision: NEWER, oldestRevision: NEWER });
    await rig.pair();
    await vi.waitFor(() => expect(known().lastLogin).toBeDefined());
    await rig.channel.stop();
    const lookedUp = { version: [2, 3000, PINNED - 1], at: Date.now() };
    writeFileSync(rig.versionFile, JSON.stringify({ ...known(), lookedUp }));
    rig.make();
    await rig.channel.start();
    await rig.listener.line('open');
  });

  it('stops with the fix when every version is refused', async () => {
    rig.server.changeRules({ oldestRevision: NEWER });
    await rig.channel.start();
    expect(await rig.listener.line('stopped')).toMatchObject({
      code: 405,
      reason: expect.stringContaining('WHATSAPP_VERSION'),
    });
  });

  it('is neither looked up nor replaced where WHATSAPP_VERSION sets it', async () => {
    rig.server.changeRules({ currentRevision: NEWER, oldestRevision: NEWER });
    rig.make({ version: PINNED_VERSION });
    await rig.channel.start();
    expect(await rig.listener.line('stopped')).toMatchObject({ code: 405 });
    expect(() => known()).toThrow(/ENOENT/);
  });

  it('is the newly looked-up one where a linked account’s old one is refused, however long the look-up takes', async () => {
    await rig.pair();
    await rig.channel.stop();
    const days = 3 * 24 * 60 * 60 * 1_000;
    writeFileSync(
      rig.versionFile,
      JSON.stringify({ lookedUp: { version: [2, 3000, PINNED], at: Date.now() - days } }),
    );
    rig.server.changeRules({ currentRevision: NEWER, oldestRevision: NEWER });
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const real = globalThis.fetch;
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      await asked;
      return real(url, init);
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    const refused = new Promise<void>((resolve) => {
      const off = rig.server.on('connection', ({ open }) => {
        if (open) return;
        off();
        resolve();
      });
    });
    rig.make();
    await rig.channel.start();
    await refused;
    answer();
    await rig.listener.line('open');
    expect(rig.listener.lines.some((line) => line.status === 'stopped')).toBe(false);
  });
});
