import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Ask, refusalOf, type Source } from './authority.ts';

/** The table of the contract, by itself: nothing here is shared with the code. */
function model(source: Source, ask: Ask): boolean {
  const group = ask.operation.endsWith('_group') || ask.operation === 'refresh_groups';
  if (group) return source.isMain;
  if ('chatJid' in ask) return source.isMain ? ask.chatKnown : ask.chatJid === source.jid;
  if (!('folder' in ask) || ask.folder === undefined) return false;
  return source.isMain || ask.folder === source.folder;
}

const folders = fc.constantFrom('main', 'family', 'work');
const jids = fc.constantFrom('main@x', 'family@x', 'work@x', 'stranger@x');
const sources: fc.Arbitrary<Source> = fc.record({ folder: folders, jid: jids, isMain: fc.boolean() });
const asks: fc.Arbitrary<Ask> = fc.oneof(
  fc.record({
    operation: fc.constantFrom('message', 'file', 'reaction'),
    chatJid: jids,
    chatKnown: fc.boolean(),
  }),
  fc.record({
    operation: fc.constantFrom(
      'schedule_task',
      'update_task',
      'pause_task',
      'resume_task',
      'cancel_task',
      'run_task',
    ),
    folder: fc.option(folders, { nil: undefined }),
  }),
  fc.record({ operation: fc.constantFrom('refresh_groups', 'register_group', 'unregister_group') }),
);

it('the rules allow and refuse every source, operation and target as the contract’s table does', () => {
  fc.assert(
    fc.property(sources, asks, (source, ask) => {
      expect(refusalOf(source, ask) === undefined).toBe(model(source, ask));
    }),
    { numRuns: 2_000 },
  );
});

it('a group gets the same refusal for a task that does not exist and for one of another group', () => {
  const source = { folder: 'family', jid: 'family@x', isMain: false };
  const missing = refusalOf(source, { operation: 'cancel_task', folder: undefined });
  expect(missing).toContain('no such task');
  expect(refusalOf(source, { operation: 'cancel_task', folder: 'work' })).toBe(missing);
});
