import { setImmediate } from 'node:timers/promises';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import type { Connection } from './connection.ts';
import { DeliveryQueue, stanzaKey } from './delivery-queue.ts';

/** Stands for a connection: the queue only sends on it. */
function recorder(): { connection: Connection; sent: BinaryNode[] } {
  const sent: BinaryNode[] = [];
  const send = (node: BinaryNode): void => {
    sent.push(node);
  };
  return { connection: { send } as Partial<Connection> as Connection, sent };
}

function message(id: string): BinaryNode {
  return { tag: 'message', attrs: { id } };
}

function ids(sent: readonly BinaryNode[]): (string | undefined)[] {
  return sent.filter(({ tag }) => tag === 'message').map(({ attrs }) => attrs.id);
}

async function goLive(queue: DeliveryQueue, connection: Connection): Promise<void> {
  queue.attach(connection);
  await queue.deliverBacklog(connection, 100);
}

it('the queue sends at once when the device is live, and keeps unacknowledged stanzas', async () => {
  const queue = new DeliveryQueue();
  const { connection, sent } = recorder();
  await goLive(queue, connection);
  queue.add(message('A'));
  queue.add(message('B'));
  expect(ids(sent)).toEqual(['A', 'B']);
  expect(queue.acknowledge(stanzaKey('message', { id: 'A' }))).toBe(true);
  expect(queue.acknowledge(stanzaKey('message', { id: 'A' }))).toBe(false);
  expect(queue.size).toBe(1);
});

it('the queue sends the backlog in batches, each after the one before was acknowledged, then the count', async () => {
  const queue = new DeliveryQueue();
  for (const id of ['A', 'B', 'C']) queue.add(message(id));
  const { connection, sent } = recorder();
  queue.attach(connection);
  const done = queue.deliverBacklog(connection, 2);
  expect(ids(sent)).toEqual(['A', 'B']);
  expect(queue.live).toBe(false);
  for (const id of ['A', 'B']) queue.acknowledge(stanzaKey('message', { id }));
  await setImmediate();
  expect(ids(sent)).toEqual(['A', 'B', 'C']);
  queue.acknowledge(stanzaKey('message', { id: 'C' }));
  await done;
  expect(sent.slice(0, 3).map(({ attrs }) => attrs.offline)).toEqual(['0', '1', '2']);
  expect(sent.at(-1)).toMatchObject({ tag: 'ib', content: [{ tag: 'offline', attrs: { count: '3' } }] });
  expect(queue.live).toBe(true);
});

it('the queue sends what comes while the backlog is worked on at once when all of that was sent, else after it', async () => {
  const queue = new DeliveryQueue();
  for (const id of ['A', 'B', 'C']) queue.add(message(id));
  const { connection, sent } = recorder();
  queue.attach(connection);
  const done = queue.deliverBacklog(connection, 2);
  queue.add(message('D'));
  expect(ids(sent)).toEqual(['A', 'B']);
  for (const id of ['A', 'B']) queue.acknowledge(stanzaKey('message', { id }));
  await setImmediate();
  queue.add(message('E'));
  expect(ids(sent)).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(sent.map(({ attrs }) => attrs.offline)).toEqual(['0', '1', '2', '3', undefined]);
  expect(queue.live).toBe(false);
  for (const id of ['C', 'D']) queue.acknowledge(stanzaKey('message', { id }));
  await done;
  expect(ids(sent)).toEqual(['A', 'B', 'C', 'D', 'E']);
  queue.detach(connection);
  const next = recorder();
  queue.attach(next.connection);
  void queue.deliverBacklog(next.connection, 2);
  expect(ids(next.sent)).toEqual(['E']);
  queue.detach(next.connection);
});

it('the queue keeps a held stanza for the next login', async () => {
  const queue = new DeliveryQueue();
  const first = recorder();
  await goLive(queue, first.connection);
  queue.add(message('A'), true);
  expect(ids(first.sent)).toEqual([]);
  queue.detach(first.connection);
  const second = recorder();
  queue.attach(second.connection);
  expect(queue.preview().message).toBe(1);
  const done = queue.deliverBacklog(second.connection, 100);
  expect(ids(second.sent)).toEqual(['A']);
  queue.acknowledge(stanzaKey('message', { id: 'A' }));
  await done;
});

it('the queue gives up a backlog whose connection ends, and restarts it on the next one', async () => {
  const queue = new DeliveryQueue();
  queue.add(message('A'));
  const [first, second] = [recorder(), recorder()];
  queue.attach(first.connection);
  const done = queue.deliverBacklog(first.connection, 100);
  queue.detach(first.connection);
  await done;
  expect(queue.live).toBe(false);
  expect(ids(first.sent)).toEqual(['A']);
  queue.attach(second.connection);
  void queue.deliverBacklog(second.connection, 100);
  expect(ids(second.sent)).toEqual(['A']);
  queue.detach(second.connection);
});

it('the queue tells receipts of several participants for one message apart', () => {
  const [a, b] = ['1@lid', '2@lid'].map((participant) => ({ id: 'X', participant }));
  expect(stanzaKey('receipt', a!)).not.toBe(stanzaKey('receipt', b!));
  expect(stanzaKey('message', a!)).toBe(stanzaKey('message', b!));
});
