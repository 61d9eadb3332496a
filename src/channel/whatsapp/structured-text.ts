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
    rows.map(({ title }) => title),
  );
}

export function templateText(message: proto.Message.ITemplateMessage): string {
  const template = message.hydratedTemplate ?? message.hydratedFourRowTemplate;
  if (!template) {
    const inner = message.interactiveMessageTemplate;
    return inner ? interactiveText(inner) : '';
  }
  const buttons = (template.hydratedButtons ?? []).map(
    ({ quickReplyButton, urlButton, callButton }) =>
      quickReplyButton?.displayText ?? urlButton?.displayText ?? callButton?.displayText,
  );
  return withChoices(
    [template.hydratedTitleText, template.hydratedContentText, template.hydratedFooterText],
    buttons,
  );
}

export function interactiveText({ header, body, footer }: proto.Message.IInteractiveMessage): string {
  return withChoices([header?.title, header?.subtitle, body?.text, footer?.text], []);
}

export function listResponseText({ title, description }: proto.Message.IListResponseMessage): string {
  return [title, description].filter(Boolean).join('\n');
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
