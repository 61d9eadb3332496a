import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { ConfigError, loadBaseConfig, loadConfig } from './config.ts';

function root(env = ''): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, '.env'), env);
  return directory;
}

describe('the configuration', () => {
  it('has defaults for everything but the agent', () => {
    const config = loadConfig({ NANOCLAW_ROOT: root(), AGENT_PROVIDER: 'offline' });
    expect(config).toMatchObject({
      assistantName: 'Andy',
      runtime: 'auto',
      image: 'nanoclaw-agent:latest',
      containerTimeoutMs: 1_800_000,
      idleTimeoutMs: 0,
      maxConcurrentContainers: 5,
      maxTurnsPerHour: 120,
      ownNumber: false,
      logLevel: 'info',
      credentials: 'proxy',
      whatsapp: { addressing: 'lid' },
    });
  });

  it('reads .env at the root, and the environment of the process wins', () => {
    const directory = root('AGENT_PROVIDER=offline\nASSISTANT_NAME=Zoë\nLOG_LEVEL=debug\n');
    expect(loadConfig({ NANOCLAW_ROOT: directory, LOG_LEVEL: 'warn' })).toMatchObject({
      assistantName: 'Zoë',
      logLevel: 'warn',
    });
  });

  it.each(['ftp://ann:top-secret@x.example', 'ann:top-secret@x.example', 'ftp://ann:top/secret@x.example'])(
    'shows no password of an address that it refuses: %s',
    (TRANSCRIBE_URL) => {
      const load = () => loadConfig({ NANOCLAW_ROOT: root('AGENT_PROVIDER=offline'), TRANSCRIBE_URL });
      expect(load).toThrow(/TRANSCRIBE_URL is "\[redacted\]@x\.example"/);
    },
  );

  it.each([
    ['राम', 'राम'],
    ['ශ්\u200dරී', 'ශ්\u200dරී'],
    ['แอนดี้', 'แอนดี้'],
    ['Zoe\u0308', 'Zoë'],
    ['\u200fAndy\u200f', 'Andy'],
  ])('takes the name %j of the assistant, as %j', (ASSISTANT_NAME, assistantName) => {
    const directory = root('AGENT_PROVIDER=offline');
    expect(loadConfig({ NANOCLAW_ROOT: directory, ASSISTANT_NAME })).toMatchObject({ assistantName });
  });

  it.each([
    ['a byte order mark', '\uFEFFAGENT_PROVIDER=offline\nASSISTANT_NAME=Zoë\n'],
    ['the line ends of Windows', 'AGENT_PROVIDER=offline\r\nASSISTANT_NAME=Zoë\r\n'],
    ['both, quotes and export', '\uFEFFexport AGENT_PROVIDER="offline"\r\nexport ASSISTANT_NAME=\'Zoë\'\r\n'],
  ])('reads an .env with %s', (_, env) => {
    expect(loadConfig({ NANOCLAW_ROOT: root(env) })).toMatchObject({
      provider: 'offline',
      assistantName: 'Zoë',
    });
  });

  it('refuses an .env in UTF-16, and names the command that converts it', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, '.env'), '\uFEFFAGENT_PROVIDER=offline\n', 'utf16le');
    expect(() => loadConfig({ NANOCLAW_ROOT: directory })).toThrow(ConfigError);
    expect(() => loadConfig({ NANOCLAW_ROOT: directory })).toThrow(/UTF-16, not UTF-8\. Convert it: iconv /);
  });

  it.each([
    ['TZ=Asia/Tokyo', {}, 'Asia/Tokyo'],
    ['TZ=Asia/Tokyo\nTIMEZONE=Europe/Berlin', {}, 'Europe/Berlin'],
    ['TZ=Asia/Tokyo', { TZ: 'America/New_York' }, 'America/New_York'],
    ['TIMEZONE=Europe/Berlin', { TZ: 'America/New_York' }, 'Europe/Berlin'],
    ['TZ=Asia/Tokyo', { TZ: ':/etc/localtime' }, 'Asia/Tokyo'],
    ['', { TZ: ':/etc/localtime' }, Intl.DateTimeFormat().resolvedOptions().timeZone],
  ])('takes the time zone of %j and the environment %j', (env, environment, timezone) => {
    const variables = { NANOCLAW_ROOT: root(env), AGENT_PROVIDER: 'offline', ...environment };
    expect(loadConfig(variables).timezone).toBe(timezone);
  });

  it('treats an empty value as missing', () => {
    expect(
      loadConfig({ NANOCLAW_ROOT: root('AGENT_PROVIDER=offline\nLOG_LEVEL=\n'), TIMEZONE: '' }).logLevel,
    ).toBe('info');
  });

  it('selects the agent whose key is there: Claude, Codex, Kimi in that order', () => {
    const directory = root();
    const choose = (keys: Record<string, string>): string =>
      loadConfig({ NANOCLAW_ROOT: directory, ...keys }).provider;
    expect(choose({ KIMI_API_KEY: 'k', OPENAI_API_KEY: 'o' })).toBe('codex');
    expect(choose({ KIMI_API_KEY: 'k', CLAUDE_CODE_OAUTH_TOKEN: 'c' })).toBe('claude');
    expect(choose({ KIMI_API_KEY: 'k' })).toBe('kimi');
  });

  it('fails without a key and names the variables', () => {
    expect(() => loadConfig({ NANOCLAW_ROOT: root() })).toThrow(/ANTHROPIC_API_KEY.*AGENT_PROVIDER=offline/);
  });

  it('needs no key for a command that runs no agent', () => {
    expect(loadBaseConfig({ NANOCLAW_ROOT: root() }).assistantName).toBe('Andy');
  });

  it.each([
    ['LOG_LEVEL', 'loud', 'one of trace, debug'],
    ['CONTAINER_TIMEOUT', '30 minutes', 'milliseconds'],
    ['CONTAINER_TIMEOUT', '5', 'milliseconds, 1000 or more'],
    ['MAX_CONCURRENT_CONTAINERS', '0', 'from 1 to 100'],
    ['MIN_TASK_INTERVAL_MS', '999', 'milliseconds, 1000 or more'],
    ['TIMEZONE', 'Mars/Olympus', 'time zone like Europe/Berlin'],
    ['AGENT_PROVIDER', 'gpt', 'one of claude, codex, kimi, offline'],
    ['ASSISTANT_NAME', 'An dy', 'a name of letters'],
    ['ASSISTANT_HAS_OWN_NUMBER', 'maybe', 'true or false'],
    ['WHATSAPP_URL', 'wss://example.com/ws/chat', 'on this machine'],
    ['WHATSAPP_URL', 'ws://127.0.0.1.example.com/', 'on this machine'],
    ['WHATSAPP_VERSION', '3.0', 'a version like'],
    ['WHATSAPP_ADDRESSING', 'phone', 'lid or number'],
    ['CREDENTIALS', 'yes', 'proxy or mount'],
    ['CONTAINER_RUNTIME', 'lxc', 'one of auto, docker'],
    ['CONTAINER_IMAGE', '--privileged', 'name of an image'],
  ])('refuses %s=%s and says what was given and what is accepted', (name, value, accepted) => {
    const load = (): unknown =>
      loadConfig({ NANOCLAW_ROOT: root(), AGENT_PROVIDER: 'offline', [name]: value });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(`${name} is ${JSON.stringify(value)}`);
    expect(load).toThrow(accepted);
  });

  it('refuses a root key without a server of its own', () => {
    const load = (): unknown =>
      loadConfig({ NANOCLAW_ROOT: root(), AGENT_PROVIDER: 'offline', WHATSAPP_ROOT_KEY: 'ab'.repeat(32) });
    expect(load).toThrow(/WHATSAPP_URL/);
  });

  it('refuses a root that is not absolute', () => {
    expect(() => loadConfig({ NANOCLAW_ROOT: 'here', AGENT_PROVIDER: 'offline' })).toThrow(/absolute path/);
  });

  it('refuses an .env that cannot be read, and names the fix', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, '.env'));
    expect(() => loadConfig({ NANOCLAW_ROOT: directory })).toThrow(/cannot be read.*chmod 600/);
  });
});

describe('the settings of files', () => {
  const load = (variables: Record<string, string>) =>
    loadConfig({ NANOCLAW_ROOT: root(), AGENT_PROVIDER: 'offline', ...variables });

  it('have defaults, and transcription is off', () => {
    expect(load({})).toMatchObject({
      attachments: { maxBytes: 67_108_864, maxTotalBytes: 5_368_709_120, days: 30 },
      transcription: { command: undefined, url: undefined, model: 'whisper-1', timeoutMs: 120_000 },
    });
  });

  it('split the command at spaces', () => {
    expect(load({ TRANSCRIBE_COMMAND: ' /opt/whisper  --lang de ' }).transcription.command).toEqual([
      '/opt/whisper',
      '--lang',
      'de',
    ]);
  });

  it.each([
    ['ATTACHMENT_MAX_BYTES', '0'],
    ['ATTACHMENT_MAX_BYTES', '64MB'],
    ['ATTACHMENT_DAYS', '-1'],
    ['ATTACHMENT_TOTAL_BYTES', 'much'],
    ['TRANSCRIBE_URL', 'file:///etc/passwd'],
    ['TRANSCRIBE_TIMEOUT', '1'],
  ])('refuse %s=%s by its name', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(new RegExp(`${name} is .*accepted is`));
  });

  it.each(['https://ann:s3cret@api.example/v1', 'https://s3cret@api.example/v1'])(
    'refuse %s: keys belong into their own variable, and the error does not repeat them',
    (url) => {
      expect(() => load({ TRANSCRIBE_URL: url })).toThrow(/TRANSCRIBE_URL .*TRANSCRIBE_API_KEY/);
      expect(() => load({ TRANSCRIBE_URL: url })).not.toThrow(/s3cret/);
    },
  );

  it('accept one way to transcribe, not two, and hold no key', () => {
    const both = { TRANSCRIBE_COMMAND: 'whisper', TRANSCRIBE_URL: 'https://api.example/v1' };
    expect(() => load(both)).toThrow(/both set/);
    const config = load({ TRANSCRIBE_URL: 'https://api.example/v1', TRANSCRIBE_API_KEY: 'sk-secret' });
    expect(JSON.stringify(config)).not.toContain('sk-secret');
  });
});
