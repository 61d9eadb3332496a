import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { MailboxResult } from '../../../../../src/protocol/host-files.ts';
import { ANSWER_TIMEOUT_MS, type MailboxReply } from '../mailbox-client.ts';

type Granted = Extract<MailboxResult, { ok: true }>;

/** What a tool tells the agent. */
export function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

/** The same, marked as a failure: the agent must not report it as done. */
export function failed(text: string): CallToolResult {
  return { ...said(text), isError: true };
}

/** The host's reply as a tool's answer; `granted` words the yes. */
export function answerOf(reply: MailboxReply, granted: (result: Granted) => string): CallToolResult {
  switch (reply.kind) {
    case 'unwritable':
      return failed(`Not done: the host cannot be asked (${reply.error}).`);
    case 'unconfirmed':
      return said(
        `Written, not confirmed: the host has not answered within ${ANSWER_TIMEOUT_MS / 1_000} seconds. It may still do it; do not ask again, and say that it is not confirmed.`,
      );
    case 'answered':
      return reply.result.ok ? said(granted(reply.result)) : failed(`Refused: ${reply.result.error}`);
  }
}

/** A task's next runs as the host gave them, in the owner's time; nothing when it has none. */
export function nextRunText({ nextRun, nextRunLocal, nextRunsLocal = [] }: Granted): string {
  if (nextRunsLocal.length > 1) return ` Next runs: ${nextRunsLocal.join('; ')} (local time).`;
  if (nextRunLocal) return ` Next run: ${nextRunLocal} (local time).`;
  return nextRun ? ` Next run: ${nextRun}.` : '';
}
