import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutAt } from '../../../../../src/protocol/layout.ts';
import { codexArguments, codexKey } from './arguments.ts';
import { toml } from './toml.ts';

const layout = layoutAt('/workspace', '/home/node');
const input = { prompt: 'hi', groupFolder: 'family', chatJid: '1@g.us', isMain: false };

function settings(args: readonly string[]): Record<string, string> {
  const given = args.filter((_, index) => args[index - 1] === '-c');
  return Object.fromEntries(
    given.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

describe('a value in TOML', () => {
  it('escapes what a string may not hold', () => {
    expect(toml('a"b\\c\nd\te\u0001\u007f')).toBe('"a\\"b\\\\c\\nd\\te\\u0001\\u007f"');
  });

  it('writes lists and tables inline, every key quoted', () => {
    expect(toml({ 'a.b': ['x', 1, true], c: {} })).toBe('{"a.b"=["x",1,true],"c"={}}');
  });

  it('keeps any text within its quotes, on one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const written = toml(text);
        expect(written).not.toMatch(/[\n\r]/);
        // A basic string of TOML without its \b and \f is one of JSON, DEL apart.
        expect(JSON.parse(written)).toBe(text);
      }),
    );
  });
});

describe('the arguments of Codex', () => {
  it('start a session whose prompt is on stdin', () => {
    const args = codexArguments({ input, layout, env: { CODEX_API_KEY: 'k' } }, undefined);
    expect(args[0]).toBe('exec');
    expect(args).not.toContain('resume');
    expect(args).not.toContain('-m');
    expect(args.at(-1)).toBe('-');
  });

  it.each(['resume', 'fork'] as const)('%s a session by its id, after all options', (how) => {
    const args = codexArguments({ input, layout, env: { CODEX_API_KEY: 'k' } }, { id: 'the-id', how });
    expect(args.slice(0, 2)).toEqual(['exec', how]);
    expect(args.slice(-2)).toEqual(['the-id', '-']);
  });

  it('name the variable of the key, never the key', () => {
    const env = { OPENAI_API_KEY: 'sk-secret', CODEX_API_KEY: '' };
    const args = codexArguments({ input, layout, env }, undefined);
    expect(codexKey(env)).toEqual({ name: 'OPENAI_API_KEY', value: 'sk-secret' });
    expect(args.join(' ')).not.toContain('sk-secret');
    expect(settings(args)['model_providers.proxy']).toContain('"env_key"="OPENAI_API_KEY"');
    expect(settings(args)['model_providers.proxy']).toContain('"base_url"="https://api.openai.com/v1"');
  });

  it('send no key where only an address is known', () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    const provider = settings(codexArguments({ input, layout, env }, undefined))['model_providers.proxy'];
    expect(provider).toContain('"base_url"="http://127.0.0.1:9/v1"');
    expect(provider).not.toContain('env_key');
  });

  it('cannot be made without a key and an address', () => {
    expect(() => codexArguments({ input, layout, env: {} }, undefined)).toThrow(
      expect.objectContaining({
        kind: 'no_key',
        message: expect.stringContaining('CODEX_API_KEY or OPENAI_API_KEY'),
      }),
    );
  });

  it('name the turn’s model before the environment’s', () => {
    const env = { CODEX_API_KEY: 'k', AGENT_MODEL: 'from-env' };
    const model = (model?: string) => {
      const turn = { input: model === undefined ? input : { ...input, model }, layout, env };
      const args = codexArguments(turn, undefined);
      return args[args.indexOf('-m') + 1];
    };
    expect(model('of-the-turn')).toBe('of-the-turn');
    expect(model()).toBe('from-env');
  });

  it('require the assistant’s own tools', () => {
    const args = codexArguments({ input, layout, env: { CODEX_API_KEY: 'k' } }, undefined);
    const server = settings(args)['mcp_servers.nanoclaw'] ?? '';
    expect(server).toContain('"required"=true');
    expect(server).toContain('"NANOCLAW_CHAT_JID"="1@g.us"');
  });
});
