import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Plaintexts } from './plaintexts.ts';

const failing = () => Promise.reject(new Error('Key used already or never filled'));

let plaintexts: Plaintexts;

beforeEach(() => {
  plaintexts = new Plaintexts();
});

/** A message comes in, as often as it is called each time with bytes of its own. */
function arrives(ciphertext: Uint8Array, id: string, from = '1@s.whatsapp.net'): Uint8Array {
  const content = Buffer.from(ciphertext);
  plaintexts.expect({ tag: 'message', attrs: { id, from }, content: [{ tag: 'enc', attrs: {}, content }] });
  return content;
}

describe('a message that comes again', () => {
  const ciphertext = randomBytes(50);

  it('is read without its key, which was used up', async () => {
    await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('text'));
    expect(await plaintexts.of(arrives(ciphertext, 'A'), failing)).toEqual(Buffer.from('text'));
  });

  it('is tried again when it did not decrypt', async () => {
    await expect(plaintexts.of(arrives(ciphertext, 'A'), failing)).rejects.toThrow('Key used already');
    const text = await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('text'));
    expect(text).toEqual(Buffer.from('text'));
  });

  it.each([
    ['another id', 'B', undefined],
    ['another sender', 'A', '2@s.whatsapp.net'],
  ])('under %s is a replay and is not read', async (_, id, from) => {
    await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('text'));
    await expect(plaintexts.of(arrives(ciphertext, id, from), failing)).rejects.toThrow('Key used already');
  });

  it('is not read from bytes that came with no message', async () => {
    await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('text'));
    await expect(plaintexts.of(Buffer.from(ciphertext), failing)).rejects.toThrow('Key used already');
  });

  it('is forgotten after a thousand others', async () => {
    const next = (n: number) => plaintexts.of(arrives(randomBytes(50), `${n}`), async () => Buffer.from('x'));
    await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('first'));
    for (let n = 0; n < 999; n += 1) await next(n);
    expect(await plaintexts.of(arrives(ciphertext, 'A'), failing)).toEqual(Buffer.from('first'));
    await next(999);
    await expect(plaintexts.of(arrives(ciphertext, 'A'), failing)).rejects.toThrow();
  });

  it('is forgotten when much else was large', async () => {
    await plaintexts.of(arrives(ciphertext, 'A'), async () => Buffer.from('first'));
    for (let n = 0; n < 9; n += 1) {
      await plaintexts.of(arrives(randomBytes(50), `${n}`), async () => Buffer.alloc(1024 * 1024));
    }
    await expect(plaintexts.of(arrives(ciphertext, 'A'), failing)).rejects.toThrow();
  });
});

describe('a stanza without ciphertexts', () => {
  it.each([undefined, 'text', Buffer.from('bytes')])('with content %s is harmless', (content) => {
    const node = { tag: 'message', attrs: {}, ...(content !== undefined && { content }) };
    expect(() => plaintexts.expect(node)).not.toThrow();
  });
});
