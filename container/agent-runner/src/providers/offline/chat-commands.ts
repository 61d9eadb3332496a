import { setTimeout as wait } from 'node:timers/promises';
import { TurnFailure } from '../../failure.ts';
import type { Command } from './command.ts';
import { describeInstant } from './local-time.ts';

const ping: Command = { pattern: /^ping[.!?]*$/i, help: 'ping', answer: () => 'pong' };

const echo: Command = {
  pattern: /^echo\s+(.+)$/is,
  help: 'echo TEXT',
  answer: ([, text = '']) => text,
};

const hello: Command = {
  pattern: /^(?:hi|hello|hey)\b(?:,? (?:there|again))?(?:[\s,]+\S+)?[\s,.!?]*$/i,
  answer: (_, { assistantName }) =>
    `Hello! I am ${assistantName}, the offline agent. Say "@${assistantName} help" for more.`,
};

const whatTimeIsIt: Command = {
  pattern: /^what(?: time is it|'s the time| is the time)[.!?]*$/i,
  answer: (_, { now, timezone }) => `${describeInstant(now, timezone)} (${timezone})`,
};

const whatDidISay: Command = {
  pattern: /^what did i (?:just )?say(?: (?:before|last))?[.!?]*$/i,
  help: 'what did I say before?',
  answer: (_, { session }) =>
    session.previous === undefined
      ? 'This is the first thing that you say to me in this session.'
      : `Before this you said: “${session.previous}”`,
};

const sleep: Command = {
  pattern: /^sleep\s+(\d{1,6}(?:\.\d{1,3})?)\s*(?:s|sec|secs|seconds?)?$/i,
  help: 'sleep SECONDS (to see me busy)',
  answer: async ([, seconds = '0']) => {
    await wait(Number(seconds) * 1_000);
    return `I slept ${seconds} second${Number(seconds) === 1 ? '' : 's'}.`;
  },
};

const fail: Command = {
  pattern: /^fail[.!]*$/i,
  help: 'fail (to see how a failure looks)',
  answer: () => {
    throw new TurnFailure('I was asked to fail');
  },
};

/** Small talk, and what shows how a turn works. */
export const CHAT_COMMANDS: readonly Command[] = [ping, echo, hello, whatTimeIsIt, whatDidISay, sleep, fail];
