import { getContentType, proto, toNumber } from '@whiskeysockets/baileys';
import type Database from 'better-sqlite3';
import { SECOND } from '../../clock.ts';
import type { Identity } from './identity.ts';
import { MAX_AHEAD_MS } from './timestamp.ts';
import { unwrap } from './unwrap.ts';

const { EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;
/** For how long what an `ephemeralMessage` wraps is shown, where nothing names a time: there was no other once. */
const WEEK_SECONDS = 7 * 24 * 60 * 60;

/** After how long the messages of a chat disappear, as a message or the platform tells it. */
export interface Timer {
  /** 0: they stay. */
  readonly seconds: number;
  /** When it was set, in seconds since the epoch, as its teller says; absent: it does not say. */
  readonly setAt?: number | undefined;
}

/**
 * The timer that a message names for its chat: by the change of the setting itself, or by its context, whatever it says.
 * @param at when the message was written, in milliseconds since the epoch: a change of the setting was made then
 * @returns undefined where it names none, which says nothing: other programs leave it out
 */
export function timerIn(message: proto.IMessage | null | undefined, at: number): Timer | undefined {
  const content = unwrap(message);
  if (!content) return undefined;
  const { protocolMessage } = content;
  if (protocolMessage) {
    if (protocolMessage.type !== EPHEMERAL_SETTING) return undefined;
    const { ephemeralExpiration, ephemeralSettingTimestamp } = protocolMessage;
    return timer(ephemeralExpiration ?? 0, ephemeralSettingTimestamp || Math.floor(at / SECOND));
  }
  const context = contextOf(content);
  // Of a timer that was switched off only the time is left in some messages.
  const seconds = context?.expiration ?? (context?.ephemeralSettingTimestamp ? 0 : undefined);
  if (seconds !== undefined) return timer(seconds, context?.ephemeralSettingTimestamp);
  return message?.ephemeralMessage ? { seconds: WEEK_SECONDS } : undefined;
}

/** The message as it is sent to a chat with that timer. */
export function disappearing(message: proto.IMessage, { seconds, setAt }: Timer): proto.IMessage {
  const kind = getContentType(message);
  const part: unknown = kind && message[kind];
  if (seconds === 0 || kind === undefined || typeof part !== 'object' || part === null) return message;
  const context = 'contextInfo' in part ? (part.contextInfo as proto.IContextInfo | null) : undefined;
  const contextInfo: proto.IContextInfo = {
    ...context,
    expiration: seconds,
    ...(setAt !== undefined && { ephemeralSettingTimestamp: setAt }),
  };
  return { ...message, [kind]: { ...part, contextInfo } };
}

function timer(seconds: number, setAt: proto.IContextInfo['ephemeralSettingTimestamp']): Timer {
  const at = toNumber(setAt);
  return { seconds, ...(at > 0 && { setAt: at }) };
}

function contextOf(content: proto.IMessage): proto.IContextInfo | undefined {
  const parts: readonly unknown[] = Object.values(content);
  for (const part of parts) {
    if (typeof part === 'object' && part !== null && 'contextInfo' in part && part.contextInfo)
      return part.contextInfo as proto.IContextInfo;
  }
  return undefined;
}

interface Row {
  readonly seconds: number;
  readonly setAt: number | null;
  readonly toldAt: number;
}

const STAYS: Timer = { seconds: 0 };

/**
 * The timer of each chat, in the account's database. Of two that say when they were set, the later setting counts; else
 * the one that was told later: what is delivered late, or comes from a phone that has missed a change, sets nothing back.
 */
export class DisappearingTimers {
  readonly #database: Database.Database;
  readonly #identity: Pick<Identity, 'lid'>;

  constructor(database: Database.Database, identity: Pick<Identity, 'lid'>) {
    this.#database = database;
    this.#identity = identity;
  }

  /** @param chatJid in its one form */
  of(chatJid: string): Timer {
    const row = this.#find(chatJid);
    return row === undefined ? STAYS : { seconds: row.seconds, setAt: row.setAt ?? undefined };
  }

  /**
   * Takes in what was told of a chat. After the database was closed nothing is written.
   * @param chatJid in its one form
   * @param toldAt when it was told, in milliseconds since the epoch
   * @throws SQLite's error
   */
  note(chatJid: string, { seconds, setAt: claimed }: Timer, toldAt: number): void {
    if (!this.#database.open || !Number.isSafeInteger(seconds) || seconds < 0) return;
    const known = this.#find(chatJid);
    // No setting is later than what tells it; such a time would keep all later ones away.
    const setAt = claimed !== undefined && claimed * SECOND <= toldAt + MAX_AHEAD_MS ? claimed : undefined;
    if (known !== undefined && isOlder({ setAt, toldAt }, known)) return;
    this.#database
      .prepare('INSERT OR REPLACE INTO timers (chat, seconds, set_at, told_at) VALUES (?, ?, ?, ?)')
      .run(chatJid, seconds, setAt ?? known?.setAt ?? null, toldAt);
  }

  /** A person whose number has become known has a row under the LID still: the newer one counts. */
  #find(chatJid: string): Row | undefined {
    if (!this.#database.open) return undefined;
    return this.#database
      .prepare<[string, string], Row>(
        `SELECT seconds, set_at AS setAt, told_at AS toldAt FROM timers WHERE chat IN (?, ?)
         ORDER BY set_at DESC, told_at DESC LIMIT 1`,
      )
      .get(chatJid, this.#identity.lid(chatJid) ?? chatJid);
  }
}

function isOlder({ setAt, toldAt }: { setAt: number | undefined; toldAt: number }, known: Row): boolean {
  if (setAt === undefined || known.setAt === null || setAt === known.setAt) return toldAt < known.toldAt;
  return setAt < known.setAt;
}
