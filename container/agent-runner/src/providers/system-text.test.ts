import { describe, expect, it } from 'vitest';
import { layoutAt } from '../../../../src/protocol/layout.ts';
import type { TurnInput } from '../../../../src/protocol/turn.ts';
import { systemText } from './system-text.ts';

const INPUT: TurnInput = {
  prompt: '',
  groupFolder: 'family',
  chatJid: '1@g.us',
  isMain: false,
  assistantName: 'Zoë',
};

describe('the text on the assistant’s situation', () => {
  it('names the assistant, its chat and its memories', () => {
    const text = systemText(INPUT, layoutAt());
    for (const fact of [
      'You are Zoë',
      '1@g.us',
      '/workspace/group/CLAUDE.md',
      '/workspace/global/CLAUDE.md',
    ]) {
      expect(text).toContain(fact);
    }
    expect(text).toMatch(/you cannot change it/);
    expect(text).not.toMatch(/main channel|scheduled task:/);
  });

  it('says what the main channel may do beyond others', () => {
    const text = systemText({ ...INPUT, isMain: true }, layoutAt());
    expect(text).toMatch(/main channel/);
    expect(text).toMatch(/you may write it/);
    expect(text).toContain('/workspace/project');
  });

  it('says in a scheduled task that no person is present', () => {
    expect(systemText({ ...INPUT, isScheduledTask: true }, layoutAt())).toMatch(
      /does not come from a person who is there now/,
    );
  });

  it('does not depend on the conversation', () => {
    expect(systemText({ ...INPUT, prompt: 'a secret' }, layoutAt())).toBe(systemText(INPUT, layoutAt()));
  });
});
