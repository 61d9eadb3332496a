import { describe, expect, it } from 'vitest';
import { chooseProvider } from './choose-provider.ts';

describe('the choice of the agent', () => {
  it('follows the turn, then AGENT_PROVIDER, then the first agent with a key', () => {
    const env = { AGENT_PROVIDER: 'kimi', OPENAI_API_KEY: 'x' };
    expect(chooseProvider({ provider: 'offline' }, env)).toBe('offline');
    expect(chooseProvider({}, env)).toBe('kimi');
    expect(chooseProvider({}, { OPENAI_API_KEY: 'x' })).toBe('codex');
    expect(chooseProvider({}, { KIMI_API_KEY: 'x', CLAUDE_CODE_OAUTH_TOKEN: 'x' })).toBe('claude');
    expect(chooseProvider({ secrets: { KIMI_API_KEY: 'x' } }, {})).toBe('kimi');
  });

  it('fails without any of them: the error names the variables', () => {
    expect(() => chooseProvider({}, { ANTHROPIC_API_KEY: '' })).toThrow(
      expect.objectContaining({
        kind: 'no_key',
        message: expect.stringMatching(/AGENT_PROVIDER.*ANTHROPIC_API_KEY.*KIMI/),
      }),
    );
  });

  it('fails for an unknown agent', () => {
    expect(() => chooseProvider({}, { AGENT_PROVIDER: 'gpt' })).toThrow(
      /it may be claude, codex, kimi, offline/,
    );
  });
});
