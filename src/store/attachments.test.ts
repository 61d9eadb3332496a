import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, newMessage, testStore } from '../../test/support/test-store.ts';
import type { InboundAttachment } from '../channel/channel.ts';
import { HOLD_MS } from './attachments.ts';

const IMAGE: InboundAttachment = { kind: 'image', mimeType: 'image/png', fileName: 'x.png', reference: '{}' };

const NOW = 60_000;

function rig(directory = temporaryDirectory()) {
  const store = testStore(directory);
  store.groups.add(FAMILY, 0);
  const say = (id: string, at: number, files: readonly InboundAttachment[] = [], isContext = false): void => {
    store.transaction(() => {
      store.messages.add(newMessage({ id, chatJid: FAMILY.jid, sender: 'bob', isContext }));
      store.attachments.add({ chatJid: FAMILY.jid, senderJid: 'bob', id }, files, at);
    });
  };
  return { store, say };
}

describe('files of messages', () => {
  it('wait with the folder and the trigger of their group', () => {
    const { store, say } = rig();
    say('A', 0, [IMAGE]);
    expect(store.attachments.waiting()).toEqual([
      expect.objectContaining({ messageSeq: 1, kind: 'image', folder: 'family', trigger: '@Andy', tries: 0 }),
    ]);
  });

  it('wait in turns: a flooded chat does not hide another', () => {
    const { store, say } = rig();
    say(
      'A',
      0,
      Array.from({ length: 2_000 }, () => IMAGE),
    );
    store.messages.add(newMessage({ id: 'B', chatJid: 'other', sender: 'ann' }));
    store.attachments.add({ chatJid: 'other', senderJid: 'ann', id: 'B' }, [IMAGE, IMAGE], 0);
    const seqs = store.attachments.waiting().map(({ seq }) => seq);
    expect(seqs.slice(0, 5)).toEqual([1, 2_001, 2, 2_002, 3]);
  });

  it('wait with no folder when their chat is not registered any more', () => {
    const { store, say } = rig();
    say('A', 0, [IMAGE]);
    store.groups.remove(FAMILY.jid);
    expect(store.attachments.waiting()[0]?.folder).toBeNull();
  });

  it('are found by their message and among the kept ones, once they are saved', () => {
    const { store, say } = rig();
    say('A', 0, [IMAGE]);
    const [row] = store.attachments.waiting();
    store.attachments.saved(
      row!,
      { file: 'family/x', mimeType: 'image/png', bytes: 3 },
      Date.UTC(2026, 0, 1),
    );
    expect(store.attachments.ofMessages([1])).toHaveLength(1);
    expect(store.attachments.kept()).toEqual([expect.objectContaining({ file: 'family/x', isDeleted: 0 })]);
  });

  it('trigger with their message when their words do, but never with a message that is only context', () => {
    const { store, say } = rig();
    say('A', 0, [IMAGE]);
    say('B', 0, [IMAGE], true);
    for (const { messageSeq } of store.attachments.waiting())
      store.messages.callAloud(messageSeq, 'Andy?', `words ${messageSeq}`);
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 1 }]);
    store.messages.moveCursor(FAMILY.jid, 1);
    expect(store.messages.waiting()).toEqual([]);
  });
});

it('all data about a file is deleted with its message, whatever the file’s state', () => {
  const directory = temporaryDirectory();
  const { store, say } = rig(directory);
  for (const id of ['A', 'B', 'C'])
    say(id, 0, [{ kind: 'voice', fileName: 'diagnosis.ogg', reference: '{"mediaKey":"c2VjcmV0"}' }]);
  const found = {
    file: 'family/x',
    mimeType: 'audio/ogg',
    bytes: 3,
    transcript: 'a diagnosis',
  };
  store.attachments.saved(store.attachments.waiting()[0]!, found, 0);
  store.messages.erase(FAMILY.jid, 'A', 1, 0);
  store.messages.erase(FAMILY.jid, 'B', 2, 0);
  // Taken back while it was being heard.
  const [, late] = store.attachments.waiting();
  store.messages.erase(FAMILY.jid, 'C', 3, 0);
  store.attachments.saved(late!, { ...found, file: 'family/y' }, 0);
  const database = new BetterSqlite3(join(directory, 'store', 'messages.db'), { readonly: true });
  const left = database.prepare('SELECT file_name, transcript, reference FROM attachments').all();
  database.close();
  expect(left).toEqual(Array(3).fill({ file_name: null, transcript: null, reference: '' }));
  expect(store.attachments.kept()).toMatchObject([
    { file: 'family/x', isDeleted: 1 },
    { file: 'family/y', isDeleted: 1 },
  ]);
});

describe('a turn', () => {
  it('waits for the files of its messages, each for its own time', () => {
    const { store, say } = rig();
    say('A', 1_000, [IMAGE]);
    say('B', 5_000, [IMAGE]);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 2, NOW)).toBe(5_000 + HOLD_MS);
    expect(store.attachments.heldUntil('other', 0, 2, NOW)).toBeUndefined();
    const [first, second] = store.attachments.waiting();
    store.attachments.failed(second!.seq, 'gone', 0);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 2, NOW)).toBe(1_000 + HOLD_MS);
    store.attachments.failed(first!.seq, 'gone', 0);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 2, NOW)).toBeUndefined();
  });

  it('is not delayed for ever by files that keep arriving behind the message that triggers', () => {
    const { store, say } = rig();
    say('A', 1_000);
    say('B', 2_000, [IMAGE]);
    store.attachments.failed(store.attachments.waiting()[0]!.seq, 'gone', 0);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 1, NOW)).toBeUndefined();
    say('C', 50_000, [IMAGE]);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 1, NOW)).toBe(2_000 + HOLD_MS);
  });

  it('does not wait for files of messages that were answered', () => {
    const { store, say } = rig();
    say('A', 1_000, [IMAGE]);
    say('B', 2_000);
    expect(store.attachments.heldUntil(FAMILY.jid, 1, 2, NOW)).toBeUndefined();
  });

  it('does not wait for a file from an hour ahead, as after a clock was set back', () => {
    const { store, say } = rig();
    say('A', NOW + 3_600_000, [IMAGE]);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 1, NOW)).toBeUndefined();
    say('B', NOW, [IMAGE]);
    expect(store.attachments.heldUntil(FAMILY.jid, 0, 2, NOW)).toBe(NOW + HOLD_MS);
  });
});
