import { type Outgoing, type Quoted, wordsOf } from '../channel/channel.ts';
import type { MessageFile } from '../protocol/mailbox.ts';
import { visibleText } from '../protocol/turn.ts';
import type { MessageTarget } from '../store/messages.ts';
import { quoteOf, textMessages } from '../text/messages.ts';
import { demand, type Effect, type EffectContext } from './effect.ts';
import { isEmoji } from './emoji.ts';
import { Refusal } from './errors.ts';
import type { TakenFile } from './outgoing-files.ts';

type Request<Type extends MessageFile['type']> = Extract<MessageFile, { type: Type }>;

/** WhatsApp shows a caption of about this length; what is longer follows as a message. */
const LONGEST_CAPTION = 1_000;

/** Puts what an agent wants to say into the outbox. @throws Refusal */
export function messageEffect(context: EffectContext, request: Request<'message'>): Effect {
  demandChat(context, request);
  const text = visibleText(request.text);
  if (text === '') throw new Refusal('The text is empty. Write something to send.');
  const quoted = quotedBy(context, request);
  say(context, request.chatJid, ...textMessages(withSender(text, request.sender), quoted));
  const isUnknown = request.quotedMessageId !== undefined && quoted === undefined;
  const note = isUnknown
    ? { note: 'Sent without the quote: no message with that id is known in that chat.' }
    : {};
  return { result: { ok: true, ...note }, changed: true };
}

/** @throws Refusal */
export function reactionEffect(context: EffectContext, request: Request<'reaction'>): Effect {
  demandChat(context, request);
  const { chatJid, emoji, messageId } = request;
  if (emoji !== '' && !isEmoji(emoji)) {
    throw new Refusal('A reaction is one emoji, or empty to take it back. Say more in a message instead.');
  }
  const target = find(context, chatJid, messageId);
  if (target === undefined) {
    throw new Refusal('No message with that id is known in that chat. Use the id attribute of a <message>.');
  }
  const { id, sender: senderJid, fromMe } = target;
  say(context, chatJid, { kind: 'reaction', emoji, target: { id, senderJid, fromMe } });
  return { result: { ok: true }, changed: true };
}

/** @param file the host's own copy @throws Refusal */
export function fileEffect(context: EffectContext, request: Request<'file'>, file: TakenFile): Effect {
  demandChat(context, request);

  const caption = visibleText(request.caption ?? '');
  const fileName = safeName(request.fileName ?? request.file);
  // Recordings have no caption.
  const fits =
    caption !== '' && caption.length <= LONGEST_CAPTION && file.as !== 'voice' && file.as !== 'audio';
  say(context, request.chatJid, { kind: 'file', ...file, fileName, ...(fits && { caption }) });
  if (caption !== '' && !fits) say(context, request.chatJid, ...textMessages(caption));
  return { result: { ok: true }, changed: true };
}

/** @throws Refusal when the source may not write to that chat */
export function demandChat(
  context: Pick<EffectContext, 'store' | 'source'>,
  { chatJid, type: operation }: Pick<MessageFile, 'chatJid' | 'type'>,
): void {
  const { store } = context;
  const chatKnown = store.chats.find(chatJid) !== undefined || store.groups.find(chatJid) !== undefined;
  demand(context, { operation, chatJid, chatKnown });
}

/** @throws Refusal when too much of the run's, or to that chat, waits to be sent */
function say(
  { store, runId, now, limits }: EffectContext,
  chatJid: string,
  ...messages: readonly Outgoing[]
): void {
  const open = store.outbox.openMessages(chatJid, runId);
  if (
    open.ofRun + messages.length > limits.openPerRun ||
    open.toChat + messages.length > limits.openPerChat
  ) {
    throw new Refusal(
      `Too many messages wait to be sent: at most ${limits.openPerRun} of one run and ${limits.openPerChat} to one chat. ` +
        'Send fewer, or wait until some have left.',
    );
  }
  for (const message of messages) store.outbox.add({ chatJid, message, source: 'message', runId }, now);
}

function quotedBy(context: EffectContext, request: Request<'message'>): Quoted | undefined {
  const { chatJid, quotedMessageId } = request;
  const target = quotedMessageId === undefined ? undefined : find(context, chatJid, quotedMessageId);
  return target === undefined ? undefined : quoteOf(target);
}

/** A stored message of a chat: of its people, or an own one that has left. */
function find({ store }: EffectContext, chatJid: string, id: string): MessageTarget | undefined {
  const said = store.messages.find(chatJid, id);
  if (said !== undefined) return said;
  const row = store.outbox.findByWireId(id);
  const account = store.state.get('account');
  if (row === undefined || account === undefined || row.chatJid !== chatJid) return undefined;
  return { id, sender: account, text: wordsOf(row.message), fromMe: true };
}

/** A role such as "Researcher" is shown in bold before the text; asterisks and line breaks in it would break that. */
function withSender(text: string, sender: string | undefined): string {
  const role = (sender ?? '').replace(/[\s*]+/g, ' ').trim();
  return role === '' ? text : `*${role}:* ${text}`;
}

/** A name as people see it: nothing in it leads anywhere, breaks a line or turns the writing round. */
function safeName(name: string): string {
  const shown = name
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replace(/[/\\]/g, '_')
    .trim();
  return shown === '' ? 'file' : shown;
}
