import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['src', 'simulator', 'container', 'bench', 'test'];

const WORDS = '(?:and|or|that|of|nor|with|without|whose|who|which|because|by|to|for|at)\\b';
/** First words of a title that only continues its describe. */
const FRAGMENT = new RegExp(`^${WORDS}`, 'i');
/** What may be one, for a first look: only a parser knows a title from another first argument. */
const SUSPECT = new RegExp(`\\(\\s*['"\`]${WORDS}`, 'i');
const TEST = /\bit(?:\.\w+)*[(<`]/g;

/** Whether `callee` is `it`, `it.each(table)`, `it.skipIf(condition)` or the like. */
function isIt(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it';
  if (ts.isTaggedTemplateExpression(callee)) return isIt(callee.tag);
  return (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) && isIt(callee.expression);
}

/** The titles of the tests in a source, in whatever quotes. */
function titlesIn(source: string): string[] {
  const titles: string[] = [];
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isIt(node.expression)) {
      const [title] = node.arguments;
      if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)))
        titles.push(title.getText(file).slice(1, -1));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return titles;
}

const isFragment = (title: string): boolean => FRAGMENT.test(title);

/** Every source with tests, shared suites too: their names do not end in `.test.ts`. */
function* sourcesIn(folder: string): Generator<{ file: string; source: string }> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const file = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* sourcesIn(file);
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const source = readFileSync(join(ROOT, file), 'utf8');
    if (source.includes("from 'vitest'")) yield { file, source };
  }
}

// It reads the whole tree.
describe('the names of the tests', { timeout: 30_000 }, () => {
  it('are whole sentences that make sense alone in a failure list', () => {
    const sources = FOLDERS.flatMap((folder) => [...sourcesIn(folder)]);
    expect(sources.flatMap(({ source }) => source.match(TEST) ?? []).length).toBeGreaterThan(1_500);
    const titles = sources
      .filter(({ source }) => SUSPECT.test(source))
      .flatMap(({ file, source }) => titlesIn(source).map((title) => ({ file, title })));
    expect(titles.filter(({ title }) => isFragment(title))).toEqual([]);
  });

  it('are found in every form of a test, and a fragment among them is reported', () => {
    const source = `
      it('that hangs is ended', () => {});
      it("Without a key stops", () => {});
      it.each([['a', (b) => b(1)]])(
        'of %s is kept',
        () => {},
      );
      it.each<[string, (jid: string) => void]>([['x', run]])(\`by \${name} is done\`, () => {});
      it.skipIf(isRoot && name === 'to be')('and hangs is ended', () => {});
      it('to the end', { timeout: 1 }, () => {});
      it('a shutdown that hangs is ended', () => {});
      it('forgets the order', () => {});
    `;
    expect(source).toMatch(SUSPECT);
    const titles = titlesIn(source);
    expect(titles).toHaveLength(8);
    expect(titles.filter(isFragment)).toEqual([
      'that hangs is ended',
      'Without a key stops',
      'of %s is kept',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the title's own text
      'by ${name} is done',
      'and hangs is ended',
      'to the end',
    ]);
  });
});
