import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { NewMessage } from '../src/store/messages.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { Bench, Row } from './bench.ts';
import { median } from './support/statistics.ts';
import { temporaryRoot } from './support/temporary-root.ts';

const ROUNDS = 7;
/** How long each of the three is measured in a round: long enough for a slow disk, whose syncs take 10 ms. */
const ROUND_MS = 400;
const BATCH = 100;
const PAGE_BYTES = 4_096;

/** Per second of a round. */
interface Round {
  readonly single: number;
  readonly batched: number;
  readonly bare: number;
}

/** Messages committed so that they survive a power loss, beside what the disk can do without a database. */
export const store: Bench = {
  name: 'store',
  shows: 'messages that are committed per second (WAL, synchronous = FULL)',
  limitMs: 20_000,
  run: async ({ cleanup, signal, note }) => {
    const { paths } = await temporaryRoot(cleanup);
    const opened = openStore(paths.database);
    cleanup.add(() => opened.close());
    const descriptor = openSync(join(paths.root, 'bare'), 'w');
    cleanup.add(() => closeSync(descriptor));
    const page = Buffer.alloc(PAGE_BYTES, 1);
    const nextMessage = messages();

    const rounds: Round[] = [];
    // The round before the first makes the files grow to where they are written over again.
    for (let round = 0; round < 1 + ROUNDS; round++) {
      await yieldToEvents();
      signal.throwIfAborted();
      const measured: Round = {
        single: rate(() => addOne(opened, nextMessage())),
        batched: BATCH * rate(() => addBatch(opened, nextMessage)),
        bare: rate(() => appendBare(descriptor, page)),
      };
      if (round > 0) rounds.push(measured);
    }
    note(`A round measures all three for ${ROUND_MS} ms each; ratios are taken within rounds.`);
    return toRows(rounds);
  },
};

/** Calls per second, over at least ROUND_MS. */
function rate(work: () => void): number {
  const startedAt = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < ROUND_MS) {
    work();
    calls++;
    elapsedMs = performance.now() - startedAt;
  }
  return (calls / elapsedMs) * 1_000;
}

function addOne(opened: Store, message: NewMessage): void {
  if (!opened.messages.add(message)) throw new Error('a message counted as known');
}

function addBatch(opened: Store, nextMessage: () => NewMessage): void {
  opened.transaction(() => {
    for (let index = 0; index < BATCH; index++) addOne(opened, nextMessage());
  });
}

function appendBare(descriptor: number, page: Buffer): void {
  writeSync(descriptor, page);
  fdatasyncSync(descriptor);
}

function messages(): () => NewMessage {
  let count = 0;
  return () => {
    count++;
    return {
      id: `3EB0${String(count).padStart(18, '0')}`,
      chatJid: `12036304${count % 20}@g.us`,
      sender: '4915112345678@s.whatsapp.net',
      senderName: 'Ann',
      text: 'A message of ordinary length, such as people type on their phones on an ordinary day.',
      timestamp: Date.UTC(2026, 0, 1) + count,
      fromMe: false,
      isTrigger: false,
    };
  };
}

function toRows(rounds: readonly Round[]): readonly Row[] {
  const of = (label: string, unit: Row['unit'], pick: (round: Round) => number): Row => {
    return { label, value: median(rounds.map(pick)), unit, n: rounds.length };
  };
  return [
    of('a commit for each message, median', 'commits/s', ({ single }) => single),
    of(`a commit for ${BATCH} messages, median`, 'rows/s', ({ batched }) => batched),
    of('batches ÷ single messages, median', '×', ({ single, batched }) => batched / single),
    of('bare 4 KiB appends with fdatasync on the same disk, median', 'writes/s', ({ bare }) => bare),
    of('single commits ÷ bare appends, median', '×', ({ single, bare }) => single / bare),
  ];
}
