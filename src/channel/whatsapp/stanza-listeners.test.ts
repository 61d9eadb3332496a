import { EventEmitter } from 'node:events';
import type { BinaryNode, WASocket } from '@whiskeysockets/baileys';
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
  superviseListeners(
    { ws: ws as unknown as WASocket['ws'] },
    {
      onFailure: (event, error) => failures.push([event, error]),
      onBadFrame: (error) => {
        failures.push(['message', error]);
        return true;
      },
      handle: (_node, call) => call(),
    },
  );
});

function stanza(id: string, attrs: BinaryNode['attrs'] = {}): BinaryNode {
  return { tag: 'message', attrs: { id, ...attrs } };
}

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

it('what has nothing to wait for begins at once', () => {
  const heard: string[] = [];
  for (const event of ['message', 'CB:message', 'CB:receipt']) {
    ws.on(event, () => void heard.push(event));
  }
  ws.emit('CB:receipt', stanza('receipt'));
  ws.emit('CB:message', stanza('message'));
  ws.emit('message', Buffer.alloc(1));
  expect(heard).toEqual(['CB:receipt', 'CB:message', 'message']);
});

describe('frames', () => {
  it('a frame that takes long to decode is not overtaken by the next one', async () => {
    const heard: string[] = [];
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    ws.on('message', async (text: string) => {
      if (text === 'compressed') await slow;
      heard.push(text);
    });
    ws.emit('message', 'compressed');
    ws.emit('message', 'next');
    await settled();
    expect(heard).toEqual([]);
    release();
    await settled();
    expect(heard).toEqual(['compressed', 'next']);
  });

  it('the listener of frames is called again with no bytes after a frame that cannot be decoded', async () => {
    const lengths: number[] = [];
    ws.on('message', async (bytes: Buffer) => {
      lengths.push(bytes.length);
      if (lengths.length <= 2) throw new Error('end of stream');
    });
    ws.emit('message', Buffer.alloc(5));
    await settled();
    expect(lengths).toEqual([5, 0, 0]);
    expect(failures).toHaveLength(2);
  });
});

describe('messages', () => {
  it('live messages and calls wait for the backlog, whose mark Baileys does not see; notifications begin after both, and receipts at once', async () => {
    const heard: string[] = [];
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const event of ['CB:message', 'CB:call', 'CB:receipt', 'CB:notification']) {
      ws.on(event, async ({ attrs }: BinaryNode) => {
        if (attrs.id === 'slow') await slow;
        heard.push(JSON.stringify(attrs));
      });
    }
    ws.emit('CB:message', stanza('slow', { offline: '0' }));
    ws.emit('CB:receipt', stanza('receipt', { offline: '1' }));
    ws.emit('CB:notification', stanza('notification'));
    ws.emit('CB:call', stanza('call'));
    ws.emit('CB:message', stanza('live'));
    await settled();
    expect(heard).toEqual([JSON.stringify({ id: 'receipt' })]);
    release();
    await settled();
    expect(heard).toEqual(
      ['receipt', 'slow', 'notification', 'call', 'live'].map((id) => JSON.stringify({ id })),
    );
  });

  it('a notification whose handling takes long delays no message', async () => {
    const heard: string[] = [];
    ws.on('CB:notification', () => new Promise<void>(() => undefined));
    ws.on('CB:message', ({ attrs: { id = '' } }: BinaryNode) => void heard.push(id));
    ws.emit('CB:notification', stanza('waits for the server'));
    ws.emit('CB:message', stanza('message'));
    await settled();
    expect(heard).toEqual(['message']);
  });

  it('wait for the previous one, even if that takes longer', async () => {
    const heard: string[] = [];
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    ws.on('CB:message', async ({ attrs: { id = '' } }: BinaryNode) => {
      if (id === 'slow') await slow;
      heard.push(id);
    });
    ws.emit('CB:message', stanza('slow'));
    ws.emit('CB:message', stanza('quick'));
    await settled();
    expect(heard).toEqual([]);
    release();
    await settled();
    expect(heard).toEqual(['slow', 'quick']);
  });

  it('are handled although the previous one failed', async () => {
    const heard: string[] = [];
    ws.on('CB:message', async ({ attrs: { id = '' } }: BinaryNode) => {
      if (id === 'bad') throw new Error('bad');
      heard.push(id);
    });
    ws.emit('CB:message', stanza('bad'));
    ws.emit('CB:message', stanza('good'));
    await settled();
    expect(heard).toEqual(['good']);
    expect(failures).toHaveLength(1);
  });

  it('are left to the server when they still wait as the connection closes', async () => {
    const heard: string[] = [];
    ws.on('CB:message', async ({ attrs: { id = '' } }: BinaryNode) => {
      heard.push(id);
      ws.isOpen = false;
    });
    ws.emit('CB:message', stanza('first'));
    ws.emit('CB:message', stanza('second'));
    await settled();
    expect(heard).toEqual(['first']);
  });
});
