import type { MailboxResult } from '../../../../../src/protocol/host-files.ts';
import type { MailboxReply } from '../../tools/mailbox-client.ts';

type Granted = Extract<MailboxResult, { ok: true }>;

/** A system's error without the files that it names: they say nothing to people in a chat. */
export function withoutPaths(error: string): string {
  return error.replace(/,? ?\b(?:\w+ )?'\/[^']*'(?: -> '\/[^']*')?/g, '');
}

/** Turns the host's reply into words; `granted` words the yes. */
export function wordReply(reply: MailboxReply, granted: (result: Granted) => string): string {
  switch (reply.kind) {
    case 'unwritable':
      return `I could not ask the host: ${withoutPaths(reply.error)}`;
    case 'unconfirmed':
      return 'I asked the host, and it has not confirmed it: written, not confirmed.';
    case 'answered':
      return reply.result.ok ? granted(reply.result) : `The host refused: ${reply.result.error}`;
  }
}
