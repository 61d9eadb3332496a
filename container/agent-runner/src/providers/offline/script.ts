import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { MessageFile } from '../../../../../src/protocol/mailbox.ts';
import type { AgentTurn } from '../provider.ts';

/** What one request of a script asks for. */
interface Line {
  /** What the answer says. */
  readonly say: string;
  /** Texts that are dropped in the mailbox, a file each, and not waited for. */
  readonly drop: readonly string[];
  /** How long the agent works at it, in milliseconds. */
  readonly forMs: number;
}

const LINE = /^script (?<say>\w{1,32})(?: drop (?<drop>\w{1,32}(?:,\w{1,32})*))?(?: for (?<ms>\d{1,5}))?$/;

/** In the group's folder: what was dropped, a line each, written when the file had its name. */
const DROPPED = 'dropped.txt';

function lineOf(text: string): Line | undefined {
  const groups = LINE.exec(text)?.groups;
  if (groups === undefined) return undefined;
  return {
    say: groups.say ?? '',
    drop: groups.drop?.split(',') ?? [],
    forMs: Number(groups.ms ?? 0),
  };
}

/**
 * Requests that make the agent do exactly what a test of the host says: `script WORD drop WORD,WORD for 200`. They are there only with
 * NANOCLAW_OFFLINE_FAULTS=1, and all of a turn are answered together, as a model answers them.
 * @returns undefined when the requests are no script
 */
export function scriptOf(
  texts: readonly string[],
  env: AgentTurn['env'],
): ((turn: AgentTurn) => Promise<string>) | undefined {
  if (env.NANOCLAW_OFFLINE_FAULTS !== '1') return undefined;
  const lines = texts.map(lineOf).filter((line) => line !== undefined);
  if (lines.length === 0 || lines.length < texts.length) return undefined;
  return async (turn) => {
    for (const { drop, forMs } of lines) {
      for (const text of drop) await dropMessage(text, turn);
      await wait(forMs);
    }
    return lines.map(({ say }) => say).join(' ');
  };
}

async function dropMessage(text: string, { input, layout }: AgentTurn): Promise<void> {
  const request: MessageFile = { type: 'message', chatJid: input.chatJid, text };
  const temporary = join(layout.messages, `.${text}.tmp`);
  await writeFile(temporary, JSON.stringify(request));
  await rename(temporary, join(layout.messages, `${Date.now()}-${text}.json`));
  await appendFile(join(layout.group, DROPPED), `${text}\n`);
}
