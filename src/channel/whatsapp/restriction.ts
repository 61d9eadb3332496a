import type { ReachoutTimelockState } from '@whiskeysockets/baileys';

/** What WhatsApp does not let the account do, for the owner; undefined: it lets it do everything. */
export function restrictionIn({ isActive, timeEnforcementEnds }: ReachoutTimelockState): string | undefined {
  if (!isActive) return undefined;
  const until = timeEnforcementEnds === undefined ? '' : ` until ${timeEnforcementEnds.toISOString()}`;
  return `WhatsApp does not let this account begin chats with people it has not talked to${until}`;
}
