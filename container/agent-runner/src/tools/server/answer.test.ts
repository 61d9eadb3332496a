import { describe, expect, it } from 'vitest';
import { answerOf, nextRunText } from './answer.ts';

const never = () => {
  throw new Error('this was not granted');
};

describe('a tool’s answer', () => {
  it('is neither failure nor promise when the host did not answer', () => {
    const { content, isError } = answerOf({ kind: 'unconfirmed' }, never);
    expect(content).toEqual([
      { type: 'text', text: expect.stringMatching(/^Written, not confirmed: .* 10 seconds/) },
    ]);
    expect(isError).toBeUndefined();
  });

  it('is a failure when the host refused or could not be asked', () => {
    const refused = answerOf({ kind: 'answered', result: { ok: false, error: 'Not yours.' } }, never);
    expect(refused).toEqual({ content: [{ type: 'text', text: 'Refused: Not yours.' }], isError: true });
    expect(answerOf({ kind: 'unwritable', error: 'ENOSPC' }, never)).toMatchObject({ isError: true });
  });

  it('has the next run in local time where the host gave it, and nothing where there is none', () => {
    expect(nextRunText({ ok: true, nextRun: 'x', nextRunLocal: 'Mon 9:00' })).toBe(
      ' Next run: Mon 9:00 (local time).',
    );
    expect(nextRunText({ ok: true, nextRun: '2026-03-02T08:00:00Z' })).toBe(
      ' Next run: 2026-03-02T08:00:00Z.',
    );
    expect(nextRunText({ ok: true, nextRun: null })).toBe('');
  });
});
