import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/**
 * What people read: messages, comments, scripts and the documentation; not the tests, and nothing that was
 * made or installed.
 */
const READ = ['src', 'container', 'simulator', 'bench', 'docs'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => !/(?:^|\/)(?:node_modules|dist|testing)\/|\.test\.ts$/.test(file))
    .filter((file) => /\.(?:ts|mjs|sh|md)$/.test(file))
    .map((file) => join(folder, file)),
);
const FILES = [...READ, 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', '.env.example', 'nanoclaw'];

/** What `src/cli.ts` offers, as it is built. */
async function commandLine(): Promise<Command> {
  const argv = process.argv;
  process.argv = ['node', 'nanoclaw'];
  const parse = vi.spyOn(Command.prototype, 'parseAsync').mockImplementation(async function (this: Command) {
    return this;
  });
  try {
    await import('../../src/cli.ts');
    return parse.mock.contexts[0] as Command;
  } finally {
    parse.mockRestore();
    process.argv = argv;
  }
}

const WORDS = String.raw`((?: (?:--?[a-z][\w-]*|[\w|]+))*)`;
const NANOCLAW = new RegExp(
  String.raw`(?<![\w.-])(?:\./|npx )?nanoclaw((?: (?:[a-z]+|--[a-z]+)))${WORDS}`,
  'g',
);
const NPM = /\bnpm (?:run (?:-s )?([a-z][\w:-]*)|(start|test)\b)/g;
const SCRIPT = new RegExp(String.raw`(?<![\w./-])((?:container/[\w./-]*\.sh)|\.ci/[\w-]+)${WORDS}`, 'g');

/** Why a command of nanoclaw does not exist; undefined: it does. */
function objection(nanoclaw: Command, written: string): string | undefined {
  let command = nanoclaw;
  for (const word of written.trim().split(' ')) {
    if (word.startsWith('-')) {
      const known = [...command.options, ...nanoclaw.options].map(({ long }) => long);
      if (![...known, '--help'].includes(word)) return `${command.name()} has no option ${word}`;
    } else if (command.commands.length > 0) {
      const found = word.split('|').map((name) => command.commands.find((each) => each.name() === name));
      if (found.includes(undefined)) return `${command.name()} has no command ${word}`;
      command = found[0] ?? command;
    }
  }
  return undefined;
}

describe('a command that people are told', () => {
  it('exists, with its options, wherever nanoclaw is named', { timeout: 30_000 }, async () => {
    const nanoclaw = await commandLine();
    expect(nanoclaw.commands.length).toBeGreaterThan(3);
    expect(objection(nanoclaw, ' tasks stop')).toBe('tasks has no command stop');
    expect(objection(nanoclaw, ' pair --qr')).toBe('pair has no option --qr');
    const wrong = FILES.flatMap((file) =>
      [...read(file).matchAll(NANOCLAW)].flatMap(([text, first = '', rest = '']) => {
        const reason = objection(nanoclaw, first + rest);
        return reason === undefined ? [] : `${file}: ${text}: ${reason}`;
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('can be typed as a message names it', () => {
    const bare = READ.filter((file) => file.endsWith('.ts')).flatMap((file) =>
      read(file)
        .split('\n')
        .filter((line) =>
          /['"`“ ](?<!\.\/)nanoclaw (?:start|pair|status|doctor|groups|tasks|sessions)/.test(line),
        )
        .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line) && !/\.command\(/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(bare).toEqual([]);
  });

  it('exists wherever a script of npm is named', () => {
    const scripts = [read('package.json'), read('container/agent-runner/package.json')].flatMap((file) =>
      Object.keys((JSON.parse(file) as { scripts?: Record<string, string> }).scripts ?? {}),
    );
    const wrong = FILES.flatMap((file) =>
      [...read(file).matchAll(NPM)]
        .filter(([, script, short]) => !scripts.includes(script ?? short ?? ''))
        .map(([text]) => `${file}: ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  it('exists, with its options, wherever a script of the project is named', () => {
    const wrong = FILES.flatMap((file) =>
      [...read(file).matchAll(SCRIPT)].flatMap(([text, script = '', words = '']) => {
        if (!existsSync(join(ROOT, script))) return `${file}: ${text}`;
        const options = words.split(' ').filter((word) => word.startsWith('--'));
        return options
          .filter((option) => !read(script).includes(option))
          .map((each) => `${file}: ${text} (${each})`);
      }),
    );
    expect(wrong).toEqual([]);
  });
});
