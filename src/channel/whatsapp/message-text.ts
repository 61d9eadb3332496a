import type { proto } from '@whiskeysockets/baileys';
import { type Media, mediaIn } from './media.ts';
import {
  buttonsText,
  callLogText,
  contactText,
  eventText,
  groupInviteText,
  interactiveResponseText,
  interactiveText,
  listResponseText,
  listText,
  liveLocationText,
  locationText,
  orderText,
  pollResultText,
  pollText,
  productText,
  scheduledCallText,
  templateText,
} from './structured-text.ts';
import { unwrap } from './unwrap.ts';

/** What a message says in words. */
export interface MessageText {
  readonly text: string;
  readonly context: proto.IContextInfo | undefined;
  readonly media?: Media | undefined;
}

type Part<K extends keyof proto.IMessage> = NonNullable<proto.IMessage[K]>;
type Readers = { readonly [K in keyof proto.IMessage]?: (part: Part<K>) => string };

const cannotBeShown = (what: string) => () => `[${what}, which cannot be shown here]`;
const payment = cannotBeShown('a payment');
const ofBusiness = cannotBeShown('a message of a business');

/** The kinds that stand in a message one at a time. What is empty says nothing. */
const READERS: Readers = {
  extendedTextMessage: ({ text }) => text ?? '',
  contactMessage: contactText,
  contactsArrayMessage: ({ contacts }) => (contacts ?? []).map(contactText).join('\n'),
  locationMessage: locationText,
  liveLocationMessage: liveLocationText,
  pollCreationMessage: pollText,
  pollCreationMessageV2: pollText,
  pollCreationMessageV3: pollText,
  pollCreationMessageV5: pollText,
  pollResultSnapshotMessage: pollResultText,
  pollResultSnapshotMessageV3: pollResultText,
  groupInviteMessage: groupInviteText,
  eventMessage: eventText,
  scheduledCallCreationMessage: scheduledCallText,
  callLogMesssage: callLogText,
  productMessage: productText,
  orderMessage: orderText,
  buttonsMessage: buttonsText,
  listMessage: listText,
  templateMessage: templateText,
  interactiveMessage: (message) => interactiveText(message) || ofBusiness(),
  highlyStructuredMessage: ({ hydratedHsm }) => (hydratedHsm && templateText(hydratedHsm)) || ofBusiness(),
  buttonsResponseMessage: ({ selectedDisplayText, selectedButtonId }) =>
    selectedDisplayText || (selectedButtonId ?? ''),
  templateButtonReplyMessage: ({ selectedDisplayText, selectedId }) =>
    selectedDisplayText || (selectedId ?? ''),
  listResponseMessage: listResponseText,
  interactiveResponseMessage: interactiveResponseText,
  questionResponseMessage: ({ text }) => text ?? '',
  commentMessage: ({ message }) => messageText(message)?.text ?? '',
  stickerPackMessage: ({ name }) => ['[pack of stickers]', name].filter(Boolean).join(' '),
  newsletterAdminInviteMessage: ({ newsletterName, caption }) =>
    ['[invitation to run a channel]', newsletterName, caption].filter(Boolean).join(' '),
  newsletterFollowerInviteMessageV2: ({ newsletterName, caption }) =>
    ['[invitation to a channel]', newsletterName, caption].filter(Boolean).join(' '),
  requestPhoneNumberMessage: () => '[asks for your phone number]',
  sendPaymentMessage: payment,
  requestPaymentMessage: payment,
  declinePaymentRequestMessage: payment,
  cancelPaymentRequestMessage: payment,
  paymentInviteMessage: payment,
  invoiceMessage: cannotBeShown('an invoice'),
  call: cannotBeShown('a call'),
  bcallMessage: cannotBeShown('a call'),
  richResponseMessage: cannotBeShown('an answer of Meta AI'),
  placeholderMessage: () => '[a message that can only be seen on the phone]',
  encCommentMessage: cannotBeShown('a comment'),
};

const KINDS = Object.keys(READERS) as (keyof Readers)[];

/**
 * The text of a message, out of whatever wraps it; a medium's caption is its text. What a person would see and cannot be
 * put into words has a short line in brackets instead. Undefined for what says nothing: protocol messages, reactions,
 * votes, keys.
 */
export function messageText(message: proto.IMessage | null | undefined): MessageText | undefined {
  const content = unwrap(message);
  if (!content || content.protocolMessage) return undefined;
  if (content.conversation) return { text: content.conversation, context: undefined };
  const media = mediaIn(content);
  if (media !== undefined) {
    return { text: media.part.caption ?? '', context: media.part.contextInfo ?? undefined, media };
  }
  const kind = KINDS.find((name) => content[name]);
  const text = kind && readWith(kind, content);
  return text ? { text, context: contextOf(content, kind) } : undefined;
}

/** The words of a message that another one quotes: of a medium its kind too. */
export function quotedText(message: proto.IMessage | null | undefined): string {
  const found = messageText(message);
  if (found === undefined) return '';
  return withKind(found);
}

/** The text of a medium with what it is before it. */
export function withKind({ text, media }: MessageText): string {
  if (media === undefined) return text;
  const kind = media.kind === 'voice' ? '[voice message]' : `[${media.kind}]`;
  return [kind, text].filter(Boolean).join(' ');
}

function readWith<K extends keyof Readers>(kind: K, content: proto.IMessage): string | undefined {
  const part = content[kind];
  const read: ((part: Part<K>) => string) | undefined = READERS[kind];
  return part == null ? undefined : read?.(part as Part<K>);
}

function contextOf(content: proto.IMessage, kind: keyof proto.IMessage): proto.IContextInfo | undefined {
  const part: unknown = content[kind];
  if (typeof part !== 'object' || part === null || !('contextInfo' in part)) return undefined;
  return (part.contextInfo as proto.IContextInfo | null) ?? undefined;
}
