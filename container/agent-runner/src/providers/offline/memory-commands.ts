import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, Conversation } from './command.ts';
import { withoutPaths } from './host-reply.ts';

const HEADING = '## Remembered';

function memoryFile({ turn }: Conversation): string {
  return join(turn.layout.group, 'CLAUDE.md');
}

async function readMemory(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The memory with one more bullet at the end of its section, the section made where there is none. */
export function withBullet(memory: string, fact: string): string {
  const bullet = `- ${fact.replace(/\s+/g, ' ').trim()}`;
  const lines = memory.trimEnd().split('\n');
  const heading = lines.indexOf(HEADING);
  if (heading === -1)
    return `${memory.trim() === '' ? '' : `${memory.trimEnd()}\n\n`}${HEADING}\n\n${bullet}\n`;
  const next = lines.findIndex((line, index) => index > heading && line.startsWith('#'));
  let end = next === -1 ? lines.length : next;
  while (lines[end - 1] === '') end -= 1;
  lines.splice(end, 0, ...(end === heading + 1 ? ['', bullet] : [bullet]));
  return `${lines.join('\n')}\n`;
}

/** What was remembered, oldest first. */
export function bulletsOf(memory: string): string[] {
  const lines = memory.split('\n');
  const heading = lines.indexOf(HEADING);
  if (heading === -1) return [];
  const next = lines.findIndex((line, index) => index > heading && line.startsWith('#'));
  const section = lines.slice(heading + 1, next === -1 ? undefined : next);
  return section.filter((line) => line.startsWith('- ')).map((line) => line.slice(2));
}

const remember: Command = {
  pattern: /^remember(?: that|:)?\s+(.+)$/is,
  help: 'remember TEXT',
  answer: async ([, fact = ''], conversation) => {
    const path = memoryFile(conversation);
    try {
      const temporary = `${path}.tmp`;
      await writeFile(temporary, withBullet(await readMemory(path), fact));
      await rename(temporary, path);
    } catch (error) {
      return `I could not write that down: ${withoutPaths((error as Error).message)}`;
    }
    const note = /^to\s/i.test(fact) ? '\nThis sets no reminder: say "remind me …" for one.' : '';
    return `I will remember: ${fact.replace(/\s+/g, ' ').trim()}${note}`;
  },
};

const recall: Command = {
  pattern: /^what do you (?:remember|know)[^\n]{0,40}$/i,
  help: 'what do you remember?',
  answer: async (_, conversation) => {
    const bullets = bulletsOf(await readMemory(memoryFile(conversation)));
    if (bullets.length === 0) return 'I remember nothing yet. Say "remember …" to change that.';
    return `I remember:\n${bullets.map((bullet) => `• ${bullet}`).join('\n')}`;
  },
};

/** What outlives sessions, in the group's CLAUDE.md. */
export const MEMORY_COMMANDS: readonly Command[] = [remember, recall];
