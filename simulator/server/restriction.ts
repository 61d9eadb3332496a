import type { BinaryNode } from '@whiskeysockets/baileys';
import { SERVER, seconds } from '../wire/nodes.ts';
import { newMessageId } from './message-id.ts';

/** An account may not write to people whom it has no chat with yet. */
export interface Restriction {
  /** Milliseconds since 1970; undefined when WhatsApp tells no end. */
  endsAt?: number;
}

/** The restriction as WhatsApp's GraphQL answers and notices have it. */
export function restrictionFields(restriction: Restriction | undefined): Record<string, unknown> {
  if (!restriction) return { is_active: false };
  const { endsAt } = restriction;
  return {
    is_active: true,
    enforcement_type: 'DEFAULT',
    ...(endsAt !== undefined && { time_enforcement_ends: seconds(endsAt) }),
  };
}

/** Writes the notice by which linked devices learn of a restriction or of its end. */
export function restrictionNotice(restriction: Restriction | undefined): BinaryNode {
  const data = { xwa2_notify_account_reachout_timelock: restrictionFields(restriction) };
  return {
    tag: 'notification',
    attrs: { from: SERVER, type: 'mex', id: newMessageId(), t: seconds() },
    content: [
      {
        tag: 'update',
        attrs: { op_name: 'NotificationUserReachoutTimelockUpdate' },
        content: Buffer.from(JSON.stringify({ data })),
      },
    ],
  };
}
