/** The prompt's form (who said what, when, in which time zone), written by the host and read by the offline agent. */

export interface QuotedMessage {
  readonly from: string;
  readonly text: string;
  /** Who wrote it, where a name alone, which anybody may take, proves nothing. */
  readonly author?: 'owner' | 'assistant' | undefined;
  /** The host does not have the quoted message: its text is what the quoting message's writer says it is. */
  readonly isUnverified?: boolean | undefined;
}

/** A file that came with a message. Its bytes lie at `path`; without one, `error` says why. */
export interface PromptAttachment {
  readonly type: string;
  /** Where it lies in the sandbox. */
  readonly path?: string | undefined;
  readonly mime?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  /** What its sender calls it. */
  readonly name?: string | undefined;
  readonly seconds?: number | undefined;
  readonly error?: string | undefined;
  /** What is said in it. */
  readonly transcript?: string | undefined;
}

export interface PromptMessage {
  readonly sender: string;
  /** Local time, as a person would write it. */
  readonly time: string;
  readonly id: string;
  readonly text: string;
  /** The assistant's owner wrote it: a name alone, which anybody may take, proves nothing. */
  readonly isOwner?: boolean | undefined;
  /** It is there to be read: nobody may ask the assistant for anything by it. */
  readonly isContext?: boolean | undefined;
  readonly replyTo?: string | undefined;
  readonly quoted?: QuotedMessage | undefined;
  /** It is the new text of the message that it replies to. */
  readonly edited?: boolean | undefined;
  readonly attachments?: readonly PromptAttachment[] | undefined;
}

export interface ParsedPrompt {
  readonly timezone: string | undefined;
  readonly messages: readonly PromptMessage[];
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const UNESCAPES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}

/**
 * How much of a text fits into so many characters when it is escaped.
 * @returns an index into the text; its length: all of it
 */
export function fitEscaped(text: string, most: number): number {
  let used = 0;
  for (let index = 0; index < text.length; index++) {
    used += ESCAPES[text.charAt(index)]?.length ?? 1;
    if (used > most) return index;
  }
  return text.length;
}

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot);/g, (_, name: string) => UNESCAPES[name] ?? '');
}

const ATTACHMENT_ATTRIBUTES = ['type', 'path', 'mime', 'size', 'name', 'seconds', 'error'] as const;

function formatAttachment(attachment: PromptAttachment): string {
  const attributes = ATTACHMENT_ATTRIBUTES.flatMap((name) => {
    const value = attachment[name];
    return value === undefined ? [] : [`${name}="${escapeXml(String(value))}"`];
  });
  const transcript =
    attachment.transcript === undefined ? '' : `<transcript>${escapeXml(attachment.transcript)}</transcript>`;
  return `<attachment ${attributes.join(' ')} />${transcript}`;
}

function formatQuoted({ from, text, author, isUnverified }: QuotedMessage): string {
  const attributes = [
    `from="${escapeXml(from)}"`,
    ...(author === undefined ? [] : [`author="${author}"`]),
    ...(isUnverified === true ? ['verified="no"'] : []),
  ].join(' ');
  return `<quoted_message ${attributes}>${escapeXml(text)}</quoted_message>`;
}

/** One message as it stands in a prompt, a line. */
export function formatMessage(message: PromptMessage): string {
  const attributes = [
    `sender="${escapeXml(message.sender)}"`,
    `time="${escapeXml(message.time)}"`,
    `id="${escapeXml(message.id)}"`,
    ...(message.replyTo === undefined ? [] : [`reply_to="${escapeXml(message.replyTo)}"`]),
    ...(message.edited ? ['edited="true"'] : []),
    ...(message.isContext === true ? ['calls="no"'] : []),
    ...(message.isOwner === true ? ['owner="true"'] : []),
  ].join(' ');
  const quoted = message.quoted === undefined ? '' : formatQuoted(message.quoted);
  const attachments = (message.attachments ?? []).map(formatAttachment).join('');
  return `<message ${attributes}>${quoted}${attachments}${escapeXml(message.text)}</message>`;
}

/**
 * The prompt of a turn.
 * @param earlierLeftOut how many messages since the last answered one stand before these and are not shown
 */
export function formatPrompt(
  messages: readonly PromptMessage[],
  timezone: string,
  earlierLeftOut = 0,
): string {
  const lines = messages.map(formatMessage).join('\n');
  const leftOut = earlierLeftOut === 0 ? '' : ` earlier_left_out="${earlierLeftOut}"`;
  return `<context timezone="${escapeXml(timezone)}" />\n<messages${leftOut}>\n${lines}\n</messages>`;
}

const CONTEXT = /<context timezone="([^"]*)"/;
const ATTACHMENT = /<attachment ([^<>]*)\/>(?:<transcript>([^<]*)<\/transcript>)?/g;
const ATTRIBUTE = /([a-z]+)="([^"]*)"/g;
const MESSAGE =
  /<message sender="([^"]*)" time="([^"]*)" id="([^"]*)"(?: reply_to="([^"]*)")?( edited="true")?( calls="no")?( owner="true")?>(?:<quoted_message from="([^"]*)"(?: author="(owner|assistant)")?( verified="no")?>([^<]*)<\/quoted_message>)?((?:<attachment [^<>]*\/>(?:<transcript>[^<]*<\/transcript>)?)*)([^<]*)<\/message>/g;

function parseAttachments(text: string): readonly PromptAttachment[] {
  return [...text.matchAll(ATTACHMENT)].map(([, attributes = '', transcript]): PromptAttachment => {
    const found = new Map(
      [...attributes.matchAll(ATTRIBUTE)].map(([, name = '', value = '']) => [name, unescapeXml(value)]),
    );
    const numberOf = (name: string): number | undefined =>
      found.has(name) ? Number(found.get(name)) : undefined;
    return {
      type: found.get('type') ?? '',
      path: found.get('path'),
      mime: found.get('mime'),
      size: numberOf('size'),
      name: found.get('name'),
      seconds: numberOf('seconds'),
      error: found.get('error'),
      transcript: transcript === undefined ? undefined : unescapeXml(transcript),
    };
  });
}

/** Reads a prompt back. A text that is no such prompt yields no messages. */
export function parsePrompt(prompt: string): ParsedPrompt {
  const messages = [...prompt.matchAll(MESSAGE)].map((match): PromptMessage => {
    const [
      ,
      sender = '',
      time = '',
      id = '',
      replyTo,
      edited,
      context,
      owner,
      from,
      author,
      unverified,
      quotedText,
      attachments = '',
      text = '',
    ] = match;
    return {
      sender: unescapeXml(sender),
      time: unescapeXml(time),
      id: unescapeXml(id),
      text: unescapeXml(text),
      ...(owner !== undefined && { isOwner: true }),
      ...(context !== undefined && { isContext: true }),
      replyTo: replyTo === undefined ? undefined : unescapeXml(replyTo),
      quoted:
        from === undefined
          ? undefined
          : {
              from: unescapeXml(from),
              text: unescapeXml(quotedText ?? ''),
              ...(author !== undefined && { author: author === 'owner' ? 'owner' : 'assistant' }),
              ...(unverified !== undefined && { isUnverified: true }),
            },
      ...(edited !== undefined && { edited: true }),
      ...(attachments !== '' && { attachments: parseAttachments(attachments) }),
    };
  });
  const timezone = CONTEXT.exec(prompt)?.[1];
  return { timezone: timezone === undefined ? undefined : unescapeXml(timezone), messages };
}
