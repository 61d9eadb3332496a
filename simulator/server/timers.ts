import { proto } from '@whiskeysockets/baileys';
import type { Group } from '../accounts/group.ts';
import type { Person } from '../accounts/person.ts';

const { EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;

/** After how long the messages of a chat disappear. */
export interface Timer {
  /** 0: they stay. */
  seconds: number;
  /** When it was set, in milliseconds since 1970. */
  at: number;
}

/** After how many seconds an unwrapped message disappears; 0: it stays. */
export function expirationOf(message: proto.IMessage): number {
  const parts: (null | undefined | { contextInfo?: proto.IContextInfo | null })[] = Object.values(message);
  return parts.find((part) => part?.contextInfo)?.contextInfo?.expiration ?? 0;
}

/** The timer that an unwrapped message sets, in seconds; undefined: it is no such message. */
export function settingIn({ protocolMessage }: proto.IMessage): number | undefined {
  return protocolMessage?.type === EPHEMERAL_SETTING ? (protocolMessage.ephemeralExpiration ?? 0) : undefined;
}

/** The timers of all chats in which one was set, as the phones know them. */
export class Timers {
  readonly #timers = new Map<string, Timer>();

  /** Undefined: none was ever set. @param people the two of a direct chat; twice the same in a chat with oneself */
  of(group: Group | undefined, people: readonly [Person, Person]): Timer | undefined {
    return this.#timers.get(nameOf(group, people));
  }

  set(group: Group | undefined, people: readonly [Person, Person], timer: Timer): void {
    this.#timers.set(nameOf(group, people), timer);
    if (group) group.disappearsAfter = timer.seconds;
  }

  /** What is wrong with a message's own timer; undefined: it has the chat's, or none was set there. */
  objection(
    group: Group | undefined,
    people: readonly [Person, Person],
    message: proto.IMessage,
  ): string | undefined {
    const wanted = this.of(group, people)?.seconds;
    const given = expirationOf(message);
    return wanted === undefined || given === wanted
      ? undefined
      : `it has a timer of ${given} s, its chat one of ${wanted} s`;
  }
}

function nameOf(group: Group | undefined, people: readonly [Person, Person]): string {
  return (
    group?.jid ??
    people
      .map(({ jid }) => jid)
      .sort()
      .join()
  );
}
