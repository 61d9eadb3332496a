import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter, FAMILY, newMessage, testStore } from '../../test/support/test-store.ts';
import type { Channel, FetchOutcome, InboundAttachment, LineState } from '../channel/channel.ts';
import { HOUR, SECOND } from '../clock.ts';
import { callsAloud } from '../conversation/trigger.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { Attachments, type AttachmentsOptions } from './attachments.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.UTC(2026, 10, 24, 12) });
});

afterEach(() => {
  vi.useRealTimers();
});

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Puts bytes where the channel would. */
const gives =
  (bytes: Buffer | string): Channel['fetch'] =>
  async (_reference, file) => {
    await writeFile(file, bytes, { flag: 'wx' });
    return { kind: 'fetched', bytes: Buffer.byteLength(bytes) };
  };

function rig(change: Partial<AttachmentsOptions> = {}, root = temporaryDirectory()) {
  const store = testStore();
  store.groups.add(FAMILY, 0);
  const { log, lines } = rememberingLog();
  const directory = join(root, 'attachments');
  const fetch = vi.fn(gives(PNG));
  const attachments = new Attachments({
    store,
    channel: { fetch, state: { status: 'open' } },
    directory,
    incoming: join(root, 'incoming'),
    maxBytes: 1_000,
    transcriber: undefined,
    callsAloud,
    heldUntil: () => undefined,
    clock: { now: () => Date.now() },
    newId: counter(),
    log,
    timings: DEFAULT_TIMINGS,
    ...change,
  });
  onTestFinished(() => attachments.stop());
  store.bells.on('attachments', () => attachments.wake());
  const say = (file: Partial<InboundAttachment> = {}, id = 'A'): void => {
    store.transaction(() => {
      store.messages.add(newMessage({ id, chatJid: FAMILY.jid, sender: 'bob', text: '' }));
      const claimed = { kind: 'image', reference: 'somewhere', ...file } as const;
      store.attachments.add({ chatJid: FAMILY.jid, senderJid: 'bob', id }, [claimed], Date.now());
    });
  };
  const row = (seq = 1) => store.attachments.ofMessages([seq])[0]!;
  const settled = async (seq = 1) => {
    await vi.waitFor(() => expect(row(seq).status).not.toBe('waiting'));
    return row(seq);
  };
  return { store, attachments, fetch, say, row, settled, lines, root, directory };
}

describe('a file that comes with a message', () => {
  it('is stored in the folder of its group under a safe name, whole and readable', async () => {
    const { attachments, say, settled, directory, root } = rig();
    await attachments.start();
    say({ fileName: 'Lunch at Café.jpg', mimeType: 'image/jpeg' });
    const { file, mimeType, bytes } = await settled();
    expect({ file, mimeType, bytes }).toEqual({
      file: 'family/2026-11-24-id-0001-Lunch-at-Café.png',
      mimeType: 'image/png',
      bytes: PNG.length,
    });
    expect(readFileSync(join(directory, file!))).toEqual(PNG);
    expect(statSync(join(directory, file!)).mode & 0o444).toBe(0o444);
    await vi.waitFor(() => expect(readdirSync(join(root, 'incoming'))).toEqual([]));
  });

  it.each([
    '../../../etc/passwd',
    '.ssh/authorized_keys',
    '\u0000\u202Egnp.exe',
    'a/b\\c',
    '..',
    `${'ж'.repeat(300)}`,
  ])('a file that claims the name %j leaves nothing anywhere else', async (fileName) => {
    const { attachments, say, settled, directory } = rig();
    await attachments.start();
    say({ fileName });
    const { file } = await settled();
    expect(file).toMatch(/^family\/2026-11-24-id-0001(-[\p{L}\p{N}_-]+)?\.png$/u);
    expect(Buffer.byteLength(file!)).toBeLessThan(255);
    expect(readdirSync(join(directory, 'family'))).toEqual([file!.replace('family/', '')]);
  });

  it('gets its type from its bytes: an image that is a script is text', async () => {
    const { attachments, say, settled } = rig({
      channel: { fetch: gives('#!/bin/sh\nrm -rf /\n'), state: { status: 'open' } },
    });
    await attachments.start();
    say({ fileName: 'cat.png', mimeType: 'image/png' });
    expect(await settled()).toMatchObject({
      mimeType: 'text/plain',
      file: expect.stringMatching(/-cat\.txt$/),
    });
  });

  it('may be empty, and has no known type when its bytes are noise', async () => {
    const { attachments, say, settled, fetch } = rig();
    fetch.mockImplementationOnce(gives('')).mockImplementationOnce(gives(Buffer.from([0x93, 0, 1, 2, 0x80])));
    await attachments.start();
    say({});
    expect(await settled()).toMatchObject({ status: 'saved', bytes: 0 });
    say({}, 'B');
    expect(await settled(2)).toMatchObject({ mimeType: 'application/octet-stream' });
  });

  it('never replaces another file', async () => {
    const { attachments, say, settled, directory, lines } = rig({ newId: () => 'the-same-one' });
    await attachments.start();
    say({});
    const { file } = await settled();
    writeFileSync(join(directory, file!), 'the first one');
    say({}, 'B');
    await vi.waitFor(() => expect(lines.some(({ msg }) => /was not fetched/.test(msg))).toBe(true));
    expect(readFileSync(join(directory, file!), 'utf8')).toBe('the first one');
  });
});

it('a chat flooded with files that never arrive does not delay the files of another chat', async () => {
  const { attachments, say, settled, store, fetch } = rig();
  const stall: Channel['fetch'] = (_reference, _file, _most, signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'failed', reason: 'stopped' }));
    });
  fetch.mockImplementation((reference, ...rest) =>
    reference === 'slow' ? stall(reference, ...rest) : gives(PNG)(reference, ...rest),
  );
  await attachments.start();
  for (let n = 0; n < 5; n++) say({ reference: 'slow' }, `flood ${n}`);
  const other = { jid: 'other@g.us', folder: 'other' };
  store.groups.add({ ...FAMILY, ...other }, 0);
  store.messages.add(newMessage({ id: 'B', chatJid: other.jid, sender: 'ann', text: '' }));
  const image = { kind: 'image', reference: 'quick' } as const;
  store.attachments.add({ chatJid: other.jid, senderJid: 'ann', id: 'B' }, [image], Date.now());
  expect(await settled(6)).toMatchObject({ status: 'saved' });
});

describe('a file that cannot be fetched', () => {
  const outcome =
    (found: FetchOutcome): Channel['fetch'] =>
    async () =>
      found;

  it('is tried three times with pauses, then given up with the reason', async () => {
    const { attachments, say, settled, row, fetch } = rig();
    fetch.mockImplementation(outcome({ kind: 'failed', reason: 'it arrived cut off or damaged' }));
    await attachments.start();
    say({});
    await vi.waitFor(() => expect(row().tries).toBe(1));
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    await vi.waitFor(() => expect(row().tries).toBe(2));
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    expect(fetch).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(15 * SECOND);
    expect(await settled()).toMatchObject({ status: 'failed', error: 'it arrived cut off or damaged' });
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('is tried again after its pause when the clock was set back meanwhile', async () => {
    let passed = 0;
    const clock = { now: () => Date.now(), elapsed: () => passed };
    const { attachments, say, settled, row, fetch } = rig({ clock });
    fetch.mockImplementationOnce(outcome({ kind: 'failed', reason: 'cut off' }));
    await attachments.start();
    say({});
    await vi.waitFor(() => expect(row().tries).toBe(1));
    await new Promise((resolve) => setImmediate(resolve));
    vi.setSystemTime(Date.now() - HOUR);
    passed += DEFAULT_TIMINGS.attachmentRetryDelaysMs[0];
    attachments.wake();
    expect(await settled()).toMatchObject({ status: 'saved' });
  });

  it('is not given up while WhatsApp is disconnected, even for hours', async () => {
    const channel: { fetch: Channel['fetch']; state: LineState } = {
      fetch: outcome({ kind: 'failed', reason: 'getaddrinfo ENOTFOUND' }),
      state: { status: 'connecting' },
    };
    const { attachments, say, settled, row } = rig({ channel });
    await attachments.start();
    say({});
    await vi.waitFor(() => expect(row().error).toMatch(/ENOTFOUND/));
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    expect(row()).toMatchObject({ status: 'waiting', tries: 0 });
    channel.state = { status: 'open' };
    channel.fetch = gives(PNG);
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    expect(await settled()).toMatchObject({ status: 'saved', error: null });
  });

  it('is given up at once when it is gone, too large, or its chat is not registered any more', async () => {
    const { attachments, say, settled, store, fetch } = rig();
    fetch.mockImplementationOnce(outcome({ kind: 'gone', reason: 'nobody has it' }));
    fetch.mockImplementationOnce(outcome({ kind: 'too_large' }));
    await attachments.start();
    say({});
    expect(await settled()).toMatchObject({ status: 'failed', error: 'nobody has it' });
    say({}, 'B');
    expect(await settled(2)).toMatchObject({ status: 'failed', error: expect.stringMatching(/larger than/) });
    store.groups.remove(FAMILY.jid);
    say({}, 'C');
    expect(await settled(3)).toMatchObject({ error: 'its chat is not registered any more' });
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('is retried on a full disk until there is room, and leaves nothing behind', async () => {
    const { store, attachments, say, settled, row, fetch, directory } = rig();
    fetch.mockImplementation(async () => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    });
    const putOff = vi.spyOn(store.attachments, 'putOff');
    await attachments.start();
    say({});
    for (let tries = 1; tries <= 5; tries++) {
      await vi.waitFor(() => expect(putOff).toHaveBeenCalledTimes(tries));
      await vi.advanceTimersByTimeAsync(20 * SECOND);
    }
    expect(row()).toMatchObject({
      status: 'waiting',
      tries: 0,
      error: expect.stringMatching(/disk is full/),
    });
    expect(existsSync(join(directory, 'family'))).toBe(false);
    await vi.waitFor(() => expect(putOff).toHaveBeenCalledTimes(6));
    fetch.mockImplementation(gives(PNG));
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    expect(await settled()).toMatchObject({ status: 'saved', error: null });
  });

  it('is retried only after a pause when the database has no room for the result either', async () => {
    const { store, attachments, say, settled, fetch } = rig();
    fetch.mockImplementation(async () => {
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    });
    const putOff = vi.spyOn(store.attachments, 'putOff').mockImplementation(() => {
      throw new Error('full');
    });
    await attachments.start();
    say({});
    await vi.waitFor(() => expect(putOff).toHaveBeenCalledTimes(1));
    // Long enough, in real time, for many tries without a rest.
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    expect(fetch).toHaveBeenCalledTimes(1);
    putOff.mockRestore();
    fetch.mockImplementation(gives(PNG));
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    expect(await settled()).toMatchObject({ status: 'saved', error: null });
  });
});

describe('files after a restart', () => {
  it('are cleaned up after a crash: half-fetched ones are deleted, and one that its row does not name is replaced', async () => {
    const root = temporaryDirectory();
    const { attachments, say, settled, store, directory } = rig({}, root);
    mkdirSync(join(root, 'incoming'));
    writeFileSync(join(root, 'incoming', '1'), 'half');
    mkdirSync(join(directory, 'family'), { recursive: true });
    writeFileSync(join(directory, 'family', 'left.png'), 'from before');
    say({});
    store.attachments.plan(1, 'family/left.png');
    await attachments.start();
    const { file } = await settled();
    expect(readdirSync(join(directory, 'family'))).toEqual([file!.replace('family/', '')]);
    await vi.waitFor(() => expect(readdirSync(join(root, 'incoming'))).toEqual([]));
  });

  it('are fetched at the next start when a stop interrupted them', async () => {
    const { attachments, say, row, fetch, store } = rig();
    fetch.mockImplementation(
      (_reference, _file, _most, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'failed', reason: 'stopped' }));
        }),
    );
    await attachments.start();
    say({});
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    await attachments.stop();
    expect(row()).toMatchObject({ status: 'waiting', tries: 0 });
    expect(store.attachments.waiting()).toHaveLength(1);
  });
});

describe('a voice note', () => {
  const hears = (words: string) => ({ transcribe: async () => words });

  it('becomes text, and triggers the assistant when it begins with its name', async () => {
    const { attachments, say, settled, store } = rig({ transcriber: hears('Andy, what is the time?') });
    await attachments.start();
    say({ kind: 'voice' });
    expect(await settled()).toMatchObject({ transcript: 'Andy, what is the time?', status: 'saved' });
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 1 }]);
  });

  it('does not trigger the assistant before the time until which its sender is muted', async () => {
    const heldUntil = vi.fn(() => 5_000);
    const { attachments, say, settled, store } = rig({ transcriber: hears('Andy, go on'), heldUntil });
    await attachments.start();
    say({ kind: 'voice' });
    expect(await settled()).toMatchObject({ transcript: 'Andy, go on', status: 'saved' });
    expect(heldUntil).toHaveBeenCalledWith(expect.objectContaining({ sender: 'bob', senderName: 'Ann' }));
    expect(store.messages.waiting()).toEqual([]);
    store.messages.release(5_000, { mute: 0, limit: 0 }, () => 'copy');
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 1 }]);
  });

  describe('a voice note that is transcribed after a turn has passed it', () => {
    async function late(pass: (store: ReturnType<typeof rig>['store']) => void, words = 'Andy, the time?') {
      const all = rig({ transcriber: hears(words) });
      all.say({ kind: 'voice' });
      pass(all.store);
      await all.attachments.start();
      await all.settled();
      return all;
    }
    const shown = (store: ReturnType<typeof rig>['store']) =>
      store.messages.markShown(FAMILY.jid, store.messages.versions(FAMILY.jid, 'A'));

    it.each([
      ['shown it', shown],
      ['been answered', (store) => store.messages.moveCursor(FAMILY.jid, 1)],
    ] satisfies [string, typeof shown][])(
      'triggers by a message of its own when the turn has %s',
      async (_, pass) => {
        const { store } = await late(pass);
        expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 2 }]);
        expect(store.messages.versions(FAMILY.jid, 'A')).toMatchObject([
          { seq: 1, isTrigger: 0 },
          { seq: 2, text: 'Andy, the time?', sender: 'bob', isTrigger: 1, editOf: 'A', replyToId: 'A' },
        ]);
      },
    );

    it('is answered with a quote of the voice note itself', async () => {
      const { store } = await late(shown);
      expect(store.messages.lastCall(FAMILY.jid, 2, true)).toMatchObject({
        id: 'A',
        text: 'Andy, the time?',
      });
    });

    it('adds no message when its words do not trigger the assistant', async () => {
      const { store } = await late(shown, 'Good night');
      expect(store.messages.versions(FAMILY.jid, 'A')).toHaveLength(1);
    });

    it('adds no message when it was not allowed to trigger the assistant', async () => {
      const { store } = await late((store) => {
        shown(store);
        store.messages.rewrite(1, { text: '', isTrigger: false, isContext: true, at: 0 });
      });
      expect(store.messages.versions(FAMILY.jid, 'A')).toHaveLength(1);
    });

    it('triggers once although the host crashed before the words were committed', async () => {
      const { store, attachments, say, settled, row } = rig({ transcriber: hears('Andy, go on') });
      const save = store.attachments.saved.bind(store.attachments);
      vi.spyOn(store.attachments, 'saved').mockImplementationOnce((...found) => {
        save(...found);
        throw new Error('the process ends here');
      });
      say({ kind: 'voice' });
      shown(store);
      await attachments.start();
      await vi.waitFor(() => expect(row().tries).toBe(1));
      expect(store.messages.versions(FAMILY.jid, 'A')).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(5 * SECOND);
      await settled();
      expect(store.messages.versions(FAMILY.jid, 'A')).toHaveLength(2);
    });
  });

  it('does not trigger the assistant when it says something else', async () => {
    const { attachments, say, settled, store } = rig({ transcriber: hears('Handy is the German word') });
    await attachments.start();
    say({ kind: 'voice' });
    await settled();
    expect(store.messages.waiting()).toEqual([]);
  });

  it('is a file like any other when it cannot be transcribed, and the prompt says so', async () => {
    const { attachments, say, settled, lines } = rig({
      transcriber: {
        transcribe: async () => {
          throw new Error('no model');
        },
      },
    });
    await attachments.start();
    say({ kind: 'voice' });
    expect(await settled()).toMatchObject({
      status: 'saved',
      error: 'transcription failed',
      transcript: null,
    });
    expect(lines.some(({ msg }) => /could not be transcribed/.test(msg))).toBe(true);
  });
});
