import type { Outgoing } from '../channel/channel.ts';

/** How the assistant shows who speaks. */
export interface Presentation {
  readonly assistantName: string;
  /** False: it shares the owner's number, and its messages say that they are the assistant's. */
  readonly ownNumber: boolean;
}

/** What goes to the wire for a message of the outbox. Peers may ask for it again: the same row gives the same text as long as the name is the same. */
export function present(message: Outgoing, { assistantName, ownNumber }: Presentation): Outgoing {
  return ownNumber ? message : { ...message, text: `${assistantName}: ${message.text}` };
}
