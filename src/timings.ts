import { z } from 'zod';
import { HOUR, MINUTE, SECOND } from './clock.ts';

/** A longer one (24 days) would fire at once: Node's timers count in 31 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const milliseconds = z.int().min(0).max(MAX_TIMER_MS);

/** The number of retries is a rule and fixed: only their delays can be changed. */
const twoDelays = z.tuple([milliseconds, milliseconds]);

/**
 * How long the parts of the host wait: grace periods, timeouts, back-off, rescans and retry delays. Tests shorten
 * some; a field that is left out has its default. Rules of the domain (rate limits, retention) are not here.
 */
export const Timings = z
  .strictObject({
    shutdownGraceMs: milliseconds
      .default(10 * SECOND)
      .describe('when the host stops: how long running turns may take to end by themselves, in milliseconds'),
    lastSendsMs: milliseconds
      .default(5 * SECOND)
      .describe('when the host stops: how long sends in progress may wait for their acks, in milliseconds'),
    shutdownWatchdogMs: milliseconds
      .default(30 * SECOND)
      .describe('a shutdown that takes longer than this is ended with exit code 1, in milliseconds'),
    workFailurePauseMs: milliseconds
      .default(10 * SECOND)
      .describe('the pause after a failure of the host itself (a full disk, say), in milliseconds'),
    truncateLogAfterMs: milliseconds
      .default(5 * SECOND)
      .describe('write-ahead logs are truncated once nothing was written for this long, in milliseconds'),
    diskLookMs: milliseconds
      .default(5 * SECOND)
      .describe('the time between two checks of the disks when one may be full, in milliseconds'),

    connectTimeoutMs: milliseconds
      .default(MINUTE)
      .describe(
        'an attempt to connect to WhatsApp is given up when nothing came for so long, in milliseconds',
      ),
    closeTimeoutMs: milliseconds
      .default(2 * SECOND)
      .describe('how long an orderly close of the connection may take before it is cut, in milliseconds'),
    reconnectFirstMs: milliseconds
      .default(SECOND)
      .describe('back-off: the first wait before a reconnect, in milliseconds'),
    reconnectMaxMs: milliseconds
      .default(MINUTE)
      .describe('back-off: the longest wait before a reconnect, in milliseconds'),
    // More than the 30 s between the pings of Baileys.
    unresponsiveAfterMs: milliseconds
      .default(45 * SECOND)
      .describe('a connection that receives nothing for this long is replaced, in milliseconds'),
    sendTimeoutMs: milliseconds
      .default(30 * SECOND)
      .describe('how long WhatsApp may take to acknowledge a send, in milliseconds'),
    relistGroupsAfterMs: milliseconds
      .default(10 * MINUTE)
      .describe('all groups are listed again after at least this long without a connection, in milliseconds'),
    groupListRetryMs: milliseconds
      .default(10 * MINUTE)
      .describe('the delay before a failed list of all groups is requested again, in milliseconds'),
    absenceNoticeAfterMs: milliseconds
      .default(10 * MINUTE)
      .describe('the main channel is notified of an absence of at least this long, in milliseconds'),

    backlogPauseMs: milliseconds
      .default(5 * SECOND)
      .describe('without a connection turns start once nothing has come for this long, in milliseconds'),
    turnRetryDelaysMs: twoDelays
      .default([5 * SECOND, 20 * SECOND])
      .readonly()
      .describe('the delays before the second and third try of a failed turn, in milliseconds'),
    outageRetryFirstMs: milliseconds
      .default(MINUTE)
      .describe(
        'while the model’s service is away: the delay before the fourth try of a turn; it doubles, in milliseconds',
      ),
    outageRetryMaxMs: milliseconds
      .default(5 * MINUTE)
      .describe('while the model’s service is away: the longest delay between tries, in milliseconds'),
    outageWaitMs: milliseconds
      .default(HOUR)
      .describe('how long a turn waits for the model’s service before it is closed, in milliseconds'),
    typingRefreshMs: milliseconds
      .default(10 * SECOND)
      .describe('how often “typing…” is repeated, in milliseconds; a phone hides it after about 25 s'),

    closeGraceMs: milliseconds
      .default(30 * SECOND)
      .describe(
        'a sandbox that has answered and was asked to finish is ended when it wrote nothing for this long, in milliseconds',
      ),
    waitNoticeAfterMs: milliseconds
      .default(10 * SECOND)
      .describe('a chat that waits behind a scheduled task is told after this long, in milliseconds'),
    longWorkNoticeAfterMs: milliseconds
      .default(2 * MINUTE)
      .describe('a chat is told that its turn is still at work after this long, in milliseconds'),
    longWorkNoticeEveryMs: milliseconds
      .default(10 * MINUTE)
      .describe('how often it is told again, in milliseconds'),

    minDeadlineAfterIdleMs: milliseconds
      .default(30 * SECOND)
      .describe('a turn’s deadline is never shorter than IDLE_TIMEOUT plus this, in milliseconds'),
    killGraceMs: milliseconds
      .default(3 * SECOND)
      .describe('the time from a sandbox’s SIGTERM to its SIGKILL, in milliseconds'),
    childKillGraceMs: milliseconds
      .default(10 * SECOND)
      .describe('the time from a sandbox’s SIGKILL to that of the child process itself, in milliseconds'),
    pipeLingerMs: milliseconds
      .default(2 * SECOND)
      .describe('pipes still open after the exit are closed when silent for this long, in milliseconds'),

    resendDelaysMs: twoDelays
      .default([10 * SECOND, MINUTE])
      .readonly()
      .describe('the delays before the second and third send of an unacknowledged message, in milliseconds'),
    notSentDelayMs: milliseconds
      .default(5 * SECOND)
      .describe('the first delay after a failed send of which nothing left; it doubles, in milliseconds'),

    attachmentRetryDelaysMs: twoDelays
      .default([5 * SECOND, 20 * SECOND])
      .readonly()
      .describe('the delays before the second and third try to fetch an attachment, in milliseconds'),
    attachmentDeferMs: milliseconds
      .default(20 * SECOND)
      .describe('the delay of a fetch without connection or disk space; it is no try, in milliseconds'),

    mailboxRescanMs: milliseconds
      .default(30 * SECOND)
      .describe('how often all mailboxes are read without an event, the safety net, in milliseconds'),
    mailboxSettleMs: milliseconds
      .default(500)
      .describe('a mailbox file that does not parse is bad when unchanged for this long, in milliseconds'),
    mailboxDrainMs: milliseconds
      .default(5 * SECOND)
      .describe('how long a drain waits for mailbox files that are still being written, in milliseconds'),
    groupRefreshTimeoutMs: milliseconds
      .default(8 * SECOND)
      .describe('how long an agent’s request to refresh the groups waits for WhatsApp, in milliseconds'),
  })
  .readonly();

export type Timings = z.infer<typeof Timings>;

export const DEFAULT_TIMINGS: Timings = Timings.parse({});
