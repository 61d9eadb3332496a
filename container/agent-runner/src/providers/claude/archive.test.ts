import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { archiveConversation } from './archive.ts';
import { readTranscript } from './transcript.ts';

/** Written by the program: a question of two, a tool, a third person's word meanwhile, an answer; compacted; one more. */
const TRANSCRIPT = fileURLToPath(new URL('./testing/transcript.jsonl', import.meta.url));
const NOW = new Date(2026, 2, 1, 15, 30);

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n');
}

/** The transcript as it was when the program first compacted it. */
async function beforeCompaction(): Promise<string> {
  const lines = await linesOf(TRANSCRIPT);
  const boundary = lines.findIndex((line) => line.includes('compact_boundary'));
  const path = join(temporaryDirectory(), 'transcript.jsonl');
  await writeFile(path, lines.slice(0, boundary).join('\n'));
  return path;
}

function silenceStderr() {
  return vi.spyOn(process.stderr, 'write').mockReturnValue(true);
}

describe('a transcript', () => {
  it('shows who said what, without tools and reminders', async () => {
    expect(readTranscript(await readFile(await beforeCompaction(), 'utf8'))).toEqual([
      { speaker: 'person', name: 'Ann', text: 'Where is the Käse & wine? please' },
      { speaker: 'person', name: 'Bob', text: 'I know' },
      { speaker: 'person', name: 'Cid', text: 'and the bread?' },
      { speaker: 'assistant', name: '', text: 'In the cellar.' },
    ]);
  });

  it('starts again after a compaction, without the summary', async () => {
    expect(readTranscript(await readFile(TRANSCRIPT, 'utf8'))).toEqual([
      { speaker: 'person', name: '', text: 'after the compaction' },
      { speaker: 'assistant', name: '', text: 'Afterwards.' },
    ]);
  });

  it.each([
    ['a line that is cut off', '{"type":"user","mess'],
    ['another form', '{"type":"user","message":{"content":7}}'],
    ['a subagent', '{"type":"assistant","isSidechain":true,"message":{"content":"mine alone"}}'],
    ['an error of the program', '{"type":"assistant","isApiErrorMessage":true,"message":{"content":"401"}}'],
    ['nothing', ''],
  ])('skips %s', (_, line) => {
    const said = '{"type":"assistant","message":{"content":[{"type":"text","text":"hello"}]}}';
    expect(readTranscript(`${line}\n${said}\n`)).toEqual([{ speaker: 'assistant', name: '', text: 'hello' }]);
  });
});

describe('the archive of conversations', () => {
  it('keeps a conversation as Markdown, named by its day and its first words', async () => {
    const group = temporaryDirectory();
    const path = await archiveConversation(await beforeCompaction(), group, NOW);
    expect(path).toBe(join(group, 'conversations', '2026-03-01-where-is-the-kase-wine-please.md'));
    expect(await readFile(path ?? '', 'utf8')).toBe(
      [
        '# Conversation up to 2026-03-01',
        '**Ann**: Where is the Käse & wine? please',
        '**Bob**: I know',
        '**Cid**: and the bread?',
        '**Assistant**: In the cellar.\n',
      ].join('\n\n'),
    );
  });

  it('does not replace a file of the same name', async () => {
    const group = temporaryDirectory();
    await archiveConversation(TRANSCRIPT, group, NOW);
    await archiveConversation(TRANSCRIPT, group, NOW);
    expect((await readdir(join(group, 'conversations'))).sort()).toEqual([
      '2026-03-01-after-the-compaction-2.md',
      '2026-03-01-after-the-compaction.md',
    ]);
  });

  it('names a conversation that does not begin with letters', async () => {
    const group = temporaryDirectory();
    const transcript = join(group, 't.jsonl');
    await writeFile(transcript, '{"type":"user","message":{"content":"?!"}}');
    expect(await archiveConversation(transcript, group, NOW)).toMatch(/2026-03-01-conversation\.md$/);
  });

  it('stores nothing where nothing was said', async () => {
    const group = temporaryDirectory();
    const transcript = join(group, 't.jsonl');
    await writeFile(transcript, '{"type":"system"}');
    expect(await archiveConversation(transcript, group, NOW)).toBeUndefined();
    expect(await readdir(group)).toEqual(['t.jsonl']);
  });

  it('follows no link, and says why it kept nothing', async () => {
    const stderr = silenceStderr();
    const group = temporaryDirectory();
    const outside = join(temporaryDirectory(), 'outside.md');
    await mkdir(join(group, 'conversations'));
    await writeFile(join(group, 'file'), '');
    await symlink(outside, join(group, 'conversations', '2026-03-01-after-the-compaction.md'));
    expect(await archiveConversation(TRANSCRIPT, group, NOW)).toMatch(/compaction-2\.md$/);
    expect(await archiveConversation(TRANSCRIPT, join(group, 'file'), NOW)).toBeUndefined();
    expect(await archiveConversation(join(group, 'gone'), group, NOW)).toBeUndefined();
    expect(stderr.mock.calls.flat().join('')).toMatch(/is not archived: EN.*\n.*is not archived: ENOENT/);
    stderr.mockRestore();
  });
});
