import { EventEmitter } from 'node:events';
import type { WASocket } from '@whiskeysockets/baileys';
import { beforeEach, describe, expect, it } from 'vitest';
import { superviseListeners } from './stanza-listeners.ts';

/** As much of Baileys' WebSocket as is taken over. */
class FakeWebSocket extends EventEmitter {
  isOpen = true;
}

let ws: FakeWebSocket;
let failures: [string, unknown][];

beforeEach(() => {
  ws = new FakeWebSocket();
  failures = [];
  superviseListeners({ ws: ws as unknown as WASocket['ws'] }, (event, error) =>
    failures.push([event, error]),
  );
});

/** Lets everything that needs no waiting happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a listener', () => {
  it('a listener that rejects is logged and disturbs no other', async () => {
    const heard: string[] = [];
    ws.on('frame', () => Promise.reject(new Error('does not decrypt')));
    ws.on('frame', (value: string) => heard.push(value));
    expect(ws.emit('frame', 'x')).toBe(true);
    await settled();
    expect(heard).toEqual(['x']);
    expect(failures).toEqual([['frame', new Error('does not decrypt')]]);
  });

  it('is called once when it is registered for one time', () => {
    let calls = 0;
    ws.once('frame', () => (calls += 1));
    ws.emit('frame');
    expect(ws.emit('frame')).toBe(false);
    expect(calls).toBe(1);
  });

  it('is called at once for everything but messages', () => {
    const heard: string[] = [];
    ws.on('TAG:1', (value: string) => heard.push(value));
    ws.emit('TAG:1', 'answer');
    expect(heard).toEqual(['answer']);
  });
});

describe('messages', () => {
  it('wait for the previous one, even if that takes longer', async () => {
    const heard: string[] = [];
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    ws.on('CB:message', async (text: string) => {
      if (text === 'slow') await slow;
      heard.push(text);
    });
    ws.emit('CB:message', 'slow');
    ws.emit('CB:message', 'quick');
    await settled();
    expect(heard).toEqual([]);
    release();
    await settled();
    expect(heard).toEqual(['slow', 'quick']);
  });

  it('are handled although the previous one failed', async () => {
    const heard: string[] = [];
    ws.on('CB:message', async (text: string) => {
      if (text === 'bad') throw new Error('bad');
      heard.push(text);
    });
    ws.emit('CB:message', 'bad');
    ws.emit('CB:message', 'good');
    await settled();
    expect(heard).toEqual(['good']);
    expect(failures).toHaveLength(1);
  });

  it('are left to the server when they still wait as the connection closes', async () => {
    const heard: string[] = [];
    ws.on('CB:message', async (text: string) => {
      heard.push(text);
      ws.isOpen = false;
    });
    ws.emit('CB:message', 'first');
    ws.emit('CB:message', 'second');
    await settled();
    expect(heard).toEqual(['first']);
  });
});
