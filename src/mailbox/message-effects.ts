import type { MessageFile } from '../protocol/mailbox.ts';
import { demand, type Effect, type EffectContext } from './effect.ts';
import { Refusal } from './errors.ts';

/** Puts what an agent wants to say into the outbox. @throws Refusal */
export function messageEffect(context: EffectContext, request: MessageFile): Effect {
  const { store, runId, now } = context;
  const { chatJid, type: operation } = request;
  const chatKnown = store.chats.find(chatJid) !== undefined || store.groups.find(chatJid) !== undefined;
  demand(context, { operation, chatJid, chatKnown });
  if (request.type !== 'message') {
    throw new Refusal('This version sends text only. Say it in a message instead.');
  }
  if (request.text.trim() === '') throw new Refusal('The text is empty. Write something to send.');
  const message = { kind: 'text', text: withSender(request.text, request.sender) } as const;
  store.outbox.add({ chatJid, message, source: 'message', runId }, now);
  return { result: { ok: true }, changed: true };
}

/** A role such as "Researcher" is shown in bold before the text; asterisks and line breaks in it would break that. */
function withSender(text: string, sender: string | undefined): string {
  const role = (sender ?? '').replace(/[\s*]+/g, ' ').trim();
  return role === '' ? text : `*${role}:* ${text}`;
}
