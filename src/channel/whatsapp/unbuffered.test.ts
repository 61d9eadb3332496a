import type { WAMessage } from '@whiskeysockets/baileys';
import { makeEventBuffer } from '@whiskeysockets/baileys/lib/Utils/event-buffer.js';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { takeUnbuffered } from './unbuffered.ts';

const GROUP = '120363@g.us';
const said = (participant: string, text: string): WAMessage => ({
  key: { remoteJid: GROUP, id: 'SAME', participant, fromMe: false },
  message: { conversation: text },
});

it('messages of two people with one id are both reported while events are held back, and neither edits the other', () => {
  const ev = makeEventBuffer(pino({ level: 'silent' }) as never);
  const taken: unknown[] = [];
  takeUnbuffered(ev as never, (messages) =>
    taken.push(...messages.map(({ key, message }) => [key.participant, message?.conversation])),
  );
  ev.buffer();
  ev.emit('messages.upsert', { messages: [said('bob@lid', 'mine')], type: 'append' });
  ev.emit('messages.update', [
    {
      key: { remoteJid: GROUP, id: 'SAME', participant: 'eve@lid', fromMe: false },
      update: { message: { conversation: 'forged' } },
    },
  ]);
  ev.emit('messages.upsert', { messages: [said('eve@lid', 'hers')], type: 'append' });
  ev.flush();
  expect(taken).toEqual([
    ['bob@lid', 'mine'],
    ['eve@lid', 'hers'],
  ]);
});
