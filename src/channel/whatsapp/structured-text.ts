import { type proto, toNumber } from '@whiskeysockets/baileys';

/** Messages that are more than a text, as a person would read them off the screen. */

type Maybe<T> = T | null | undefined;

const PHONE_LINE = /^(?:[\w-]+\.)?TEL[^:]*:(.+)$/i;
const MOST_NUMBERS = 5;

export function contactText({ displayName, vcard }: proto.Message.IContactMessage): string {
  const numbers = (vcard ?? '')
    .split(/\r?\n/)
    .map((line) => PHONE_LINE.exec(line)?.[1]?.trim())
    .filter((number) => number !== undefined)
    .slice(0, MOST_NUMBERS);
  return `[contact] ${listed([displayName, ...numbers]) || 'without a name'}`;
}

export function locationText(location: proto.Message.ILocationMessage): string {
  const { name, address, comment, isLive } = location;
  return said(isLive ? '[live location]' : '[location]', listed([name, address]), place(location), comment);
}

export function liveLocationText(location: proto.Message.ILiveLocationMessage): string {
  return said('[live location]', place(location), location.caption);
}

export function pollText({ name, options }: proto.Message.IPollCreationMessage): string {
  const choices = (options ?? []).map(({ optionName }) => `- ${optionName ?? ''}`);
  return [`[poll] ${name ?? ''}`, ...choices].join('\n');
}

export function pollResultText({ name, pollVotes }: proto.Message.IPollResultSnapshotMessage): string {
  const votes = (pollVotes ?? []).map(
    ({ optionName, optionVoteCount }) => `- ${optionName ?? ''}: ${toNumber(optionVoteCount) || 0}`,
  );
  return [`[result of a poll] ${name ?? ''}`, ...votes].join('\n');
}

export function groupInviteText({ groupName, caption }: proto.Message.IGroupInviteMessage): string {
  return said('[invitation to a group]', groupName, caption);
}

export function eventText(event: proto.Message.IEventMessage): string {
  const { name, description, location, startTime, endTime, isCanceled, joinLink } = event;
  return [
    said(isCanceled ? '[event, cancelled]' : '[event]', name),
    listed([time('from', startTime), time('until', endTime)]),
    location ? listed([location.name, location.address]) : '',
    description,
    joinLink,
  ]
    .filter(Boolean)
    .join('\n');
}

export function scheduledCallText({
  title,
  scheduledTimestampMs,
}: proto.Message.IScheduledCallCreationMessage): string {
  return said('[scheduled call]', title, time('at', toNumber(scheduledTimestampMs) / 1_000));
}

export function callLogText({ isVideo, durationSecs }: proto.Message.ICallLogMessage): string {
  const seconds = toNumber(durationSecs);
  return said(isVideo ? '[video call]' : '[call]', seconds > 0 ? `${seconds} s` : undefined);
}

export function productText({ product, body }: proto.Message.IProductMessage): string {
  return said('[product]', listed([product?.title, product?.description]), body);
}

export function orderText({ orderTitle, itemCount, message }: proto.Message.IOrderMessage): string {
  return said('[order]', orderTitle, itemCount ? `(${itemCount} items)` : undefined, message);
}

export function buttonsText(message: proto.Message.IButtonsMessage): string {
  const names = (message.buttons ?? []).map(({ buttonText }) => buttonText?.displayText);
  return withChoices([message.text, message.contentText, message.footerText], names);
}

export function listText(message: proto.Message.IListMessage): string {
  const rows = (message.sections ?? []).flatMap(({ rows }) => rows ?? []);
  return withChoices(
    [message.title, message.description, message.footerText],
    rows.map(({ title, description }) => listed([title, description])),
  );
}

export function templateText(message: proto.Message.ITemplateMessage): string {
  const template = message.hydratedTemplate ?? message.hydratedFourRowTemplate;
  if (!template) {
    const inner = message.interactiveMessageTemplate;
    return inner ? interactiveText(inner) : '';
  }
  const buttons = (template.hydratedButtons ?? []).map(({ quickReplyButton, urlButton, callButton }) => {
    if (urlButton) return leading(urlButton.displayText, urlButton.url);
    if (callButton) return leading(callButton.displayText, callButton.phoneNumber);
    return quickReplyButton?.displayText;
  });
  return withChoices(
    [template.hydratedTitleText, template.hydratedContentText, template.hydratedFooterText],
    buttons,
  );
}

export function interactiveText(message: proto.Message.IInteractiveMessage): string {
  const cards = (message.carouselMessage?.cards ?? []).map((card) => said('[card]', ownText(card)));
  return [ownText(message), ...cards].filter(Boolean).join('\n');
}

/** Without the cards: a card has none. */
function ownText({ header, body, footer, nativeFlowMessage }: proto.Message.IInteractiveMessage): string {
  const choices = (nativeFlowMessage?.buttons ?? []).flatMap(choicesOf);
  return withChoices([header?.title, header?.subtitle, body?.text, footer?.text], choices);
}

/** What a native button offers; a list offers several rows. */
function choicesOf({
  buttonParamsJson,
}: proto.Message.InteractiveMessage.NativeFlowMessage.INativeFlowButton): readonly Maybe<string>[] {
  const { display_text, title, url, phone_number, copy_code, sections } = fieldsIn(buttonParamsJson);
  const rows = listIn(sections).flatMap((section) => listIn(fieldsOf(section).rows).map(fieldsOf));
  return [
    leading(textIn(display_text) ?? textIn(title), textIn(url) ?? textIn(phone_number) ?? textIn(copy_code)),
    ...rows.map((row) => listed([textIn(row.title), textIn(row.description)])),
  ];
}

export function listResponseText({
  title,
  description,
  singleSelectReply,
}: proto.Message.IListResponseMessage): string {
  return [title, description].filter(Boolean).join('\n') || (singleSelectReply?.selectedRowId ?? '');
}

/** What was chosen or filled in with native buttons: the words of the answer and its fields, or its id where it has neither. */
export function interactiveResponseText({
  body,
  nativeFlowResponseMessage: flow,
}: proto.Message.IInteractiveResponseMessage): string {
  const fields = fieldsIn(flow?.paramsJson);
  const lines = [body?.text, ...answersIn(fields)].filter(Boolean);
  if (lines.length > 0) return lines.slice(0, MOST_LINES).join('\n');
  return textIn(fields.id) ?? said('[a choice, which cannot be shown here]', flow?.name);
}

/** Fields of an answer that say nothing to people: `id` names what the words beside it say. */
const INTERNAL_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'flow_token',
  'wa_flow_response_params',
  'version',
  'saved_address_id',
]);
/** Fields whose name says nothing. */
const NAMELESS_FIELDS: ReadonlySet<string> = new Set(['title', 'description', 'display_text']);
const MOST_LINES = 50;
const MOST_LEVELS = 4;

function answersIn(fields: Fields, levels = MOST_LEVELS): readonly string[] {
  return Object.entries(fields)
    .filter(([name]) => !INTERNAL_FIELDS.has(name))
    .flatMap(([name, value]) => {
      const text = textIn(value) ?? listed(listIn(value).map(textIn));
      if (text) return [NAMELESS_FIELDS.has(name) ? text : `${name}: ${text}`];
      return levels > 0 ? answersIn(fieldsOf(value), levels - 1) : [];
    });
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON text that somebody has sent; none, where it is none. */
function fieldsIn(json: Maybe<string>): Fields {
  try {
    return fieldsOf(JSON.parse(json || '{}'));
  } catch {
    return {};
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return (typeof value === 'string' && value) || undefined;
}

/** The words of a button with where it leads. */
function leading(words: Maybe<string>, to: Maybe<string>): string | undefined {
  return said(words, to && `(${to})`) || undefined;
}

function withChoices(lines: readonly Maybe<string>[], choices: readonly Maybe<string>[]): string {
  return [...lines, ...choices.map((choice) => choice && `- ${choice}`)].filter(Boolean).join('\n');
}

function listed(parts: readonly Maybe<string>[]): string {
  return parts.filter(Boolean).join(', ');
}

function said(...parts: readonly Maybe<string>[]): string {
  return parts.filter(Boolean).join(' ');
}

function place({ degreesLatitude, degreesLongitude }: proto.Message.ILocationMessage): string | undefined {
  if (degreesLatitude == null || degreesLongitude == null) return undefined;
  return `(${degreesLatitude}, ${degreesLongitude})`;
}

/** @param seconds since the epoch */
function time(word: string, seconds: Maybe<Parameters<typeof toNumber>[0]>): string | undefined {
  const instant = new Date(toNumber(seconds) * 1_000);
  if (!(instant.getTime() > 0)) return undefined;
  return `${word} ${instant.toISOString().replace(/:\d\d\.\d+Z$/, 'Z')}`;
}
