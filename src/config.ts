import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { NoAccessError } from './exists.ts';
import { handWritten } from './hand-written.ts';
import { LOG_LEVELS } from './log.ts';
import { PROVIDERS, type Provider } from './protocol/provider.ts';
import { asSeen } from './protocol/trigger.ts';

/** The only reader of the environment. Values come from the process, else from `.env` at the root. */

const RUNTIMES = ['auto', 'docker', 'podman', 'container', 'bubblewrap'] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const MEGABYTE = 1024 * 1024;
const GIGABYTE = 1024 * MEGABYTE;

const milliseconds = (least: number) =>
  z
    .string()
    .regex(/^\d+$/, 'a whole number of milliseconds')
    .transform(Number)
    .pipe(z.number().min(least).max(2_147_483_647, 'at most 2147483647 milliseconds (24 days)'));

const wholeNumber = (least: number, most: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(least).max(most));

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');

function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

function isLoopbackUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return ['ws:', 'wss:'].includes(protocol) && LOOPBACK.has(hostname);
}

/**
 * Letters with their marks; some scripts join or part letters within a name by a character that cannot be
 * seen.
 */
const ASSISTANT_NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_\p{Join_Control}-]{0,31}$/u;

/** Every variable that the host reads. `describe` says what is accepted: error messages quote it. */
export const Environment = z.object({
  NANOCLAW_ROOT: z.string().describe('an absolute path'),
  ASSISTANT_NAME: z
    .string()
    .transform((name) => (ASSISTANT_NAME.test(name) ? name : asSeen(name)).normalize('NFC'))
    .pipe(z.string().regex(ASSISTANT_NAME))
    .default('Andy')
    .describe('a name of letters, digits, - and _, at most 32'),
  AGENT_PROVIDER: z
    .enum(PROVIDERS)
    .optional()
    .describe(`one of ${PROVIDERS.join(', ')}`),
  AGENT_MODEL: z.string().optional().describe('the name of a model'),
  CONTAINER_RUNTIME: z
    .enum(RUNTIMES)
    .default('auto')
    .describe(`one of ${RUNTIMES.join(', ')}`),
  CONTAINER_IMAGE: z
    .string()
    .regex(/^[a-z0-9][\w./:@-]*$/)
    .default('nanoclaw-agent:latest')
    .describe('the name of an image, like nanoclaw-agent:latest'),
  CONTAINER_TIMEOUT: milliseconds(1_000).default(1_800_000).describe('milliseconds, 1000 or more'),
  IDLE_TIMEOUT: milliseconds(0).default(0).describe('milliseconds, 0 or more'),
  MAX_CONCURRENT_CONTAINERS: z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .pipe(z.number().min(1).max(100))
    .default(5)
    .describe('a whole number from 1 to 100'),
  MIN_TASK_INTERVAL_MS: milliseconds(1_000).default(60_000).describe('milliseconds, 1000 or more'),
  MAX_TURNS_PER_HOUR: wholeNumber(0, 100_000)
    .default(120)
    .describe('a whole number up to 100000; 0 for no limit'),
  ASSISTANT_HAS_OWN_NUMBER: flag.default(false).describe('true or false'),
  TIMEZONE: z.string().refine(isTimezone).optional().describe('a time zone like Europe/Berlin'),
  TZ: z.string().refine(isTimezone).optional().describe('a time zone like Europe/Berlin'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS)
    .default('info')
    .describe(`one of ${LOG_LEVELS.join(', ')}`),
  CREDENTIALS: z.enum(['proxy', 'mount']).default('proxy').describe('proxy or mount'),
  WHATSAPP_URL: z
    .string()
    .refine(isLoopbackUrl)
    .optional()
    .describe(
      'a ws:// address on this machine (127.0.0.1, localhost or [::1]); leave it out for WhatsApp itself',
    ),
  WHATSAPP_ROOT_KEY: z
    .string()
    .regex(/^[0-9a-f]{64}$/i)
    .optional()
    .describe('64 hexadecimal digits, only together with WHATSAPP_URL'),
  WHATSAPP_VERSION: z
    .string()
    .regex(/^2\.3000\.\d+$/)
    .optional()
    .describe('a version like 2.3000.1033846690'),
  WHATSAPP_ADDRESSING: z.enum(['lid', 'number']).default('lid').describe('lid or number'),
  ATTACHMENT_MAX_BYTES: wholeNumber(1, 2 * GIGABYTE)
    .default(64 * MEGABYTE)
    .describe('bytes, from 1 to 2147483648'),
  ATTACHMENT_TOTAL_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .default(5 * GIGABYTE)
    .describe('bytes, 1 or more'),
  ATTACHMENT_DAYS: wholeNumber(0, 36_500)
    .default(30)
    .describe('a whole number of days up to 36500; 0 for ever'),
  TRANSCRIBE_COMMAND: z
    .string()
    .regex(/\S/)
    .transform((command) => command.trim().split(/\s+/) as [string, ...string[]])
    .optional()
    .describe('a program and its arguments, divided by spaces'),
  TRANSCRIBE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('an http:// or https:// address, like https://api.openai.com/v1'),
  TRANSCRIBE_MODEL: z.string().default('whisper-1').describe('the name of a model'),
  TRANSCRIBE_API_KEY: z.string().optional().describe('a key'),
  TRANSCRIBE_TIMEOUT: milliseconds(1_000).default(120_000).describe('milliseconds, 1000 or more'),
});

/** The variables that hold keys, per provider. They are never part of the config: keys are read where they are used. */
export const KEY_VARIABLES = {
  claude: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'],
  codex: ['CODEX_API_KEY', 'OPENAI_API_KEY'],
  kimi: ['KIMI_API_KEY'],
  offline: [],
} as const satisfies Record<Provider, readonly string[]>;

/** The variables that hold another address of a provider's service. */
export const ADDRESS_VARIABLES = {
  claude: ['ANTHROPIC_BASE_URL'],
  codex: ['OPENAI_BASE_URL'],
  kimi: ['KIMI_BASE_URL'],
  offline: [],
} as const satisfies Record<Provider, readonly string[]>;

export interface Config {
  readonly root: string;
  /** The folder of the package itself: the agent's image and runner come from here. */
  readonly packageRoot: string;
  readonly assistantName: string;
  readonly provider: Provider;
  readonly model: string | undefined;
  readonly runtime: RuntimeName;
  readonly image: string;
  /** Milliseconds for one turn. */
  readonly containerTimeoutMs: number;
  /** Milliseconds that a container waits for follow-ups after its answer. */
  readonly idleTimeoutMs: number;
  readonly maxConcurrentContainers: number;
  /** The shortest interval of a new task, in milliseconds. */
  readonly minTaskIntervalMs: number;
  /** What a chat may have within an hour, the owner's own not limited; 0: no limit. */
  readonly maxTurnsPerHour: number;
  readonly ownNumber: boolean;
  readonly timezone: string;
  readonly logLevel: z.infer<typeof Environment>['LOG_LEVEL'];
  readonly credentials: 'proxy' | 'mount';
  readonly attachments: {
    /** Larger files are not fetched. */
    readonly maxBytes: number;
    /** What all of them may have together. */
    readonly maxTotalBytes: number;
    /** How long they are kept; 0: for ever. */
    readonly days: number;
  };
  /** How voice notes become text. Its key is not here: it is read at each use. Neither command nor address: they do not. */
  readonly transcription: {
    readonly command: readonly [program: string, ...args: string[]] | undefined;
    readonly url: string | undefined;
    readonly model: string;
    readonly timeoutMs: number;
  };
  readonly whatsapp: {
    readonly url: string | undefined;
    readonly rootKey: string | undefined;
    readonly version: readonly [number, number, number] | undefined;
    /** How people are addressed in direct chats: by LID where it is known, or always by phone number. */
    readonly addressing: 'lid' | 'number';
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The folder that holds this package's `package.json`, from `src/` and from `dist/` alike. */
export function packageRoot(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}

function readEnvFile(path: string): Variables {
  try {
    return parseEnv(handWritten(readFileSync(path), path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    if (code === 'EACCES') throw new ConfigError(new NoAccessError(path, error).message.replace('\n', ' '));
    if (code === undefined) throw new ConfigError(`${path} cannot be read: ${message}`);
    throw new ConfigError(
      `${path} cannot be read (${message}). Make it a plain file that this user may read: chmod 600 ${path}`,
    );
  }
}

/**
 * The instance's root.
 * @throws ConfigError when it is not absolute
 */
export function rootOf(environment: Variables): string {
  const root = environment.NANOCLAW_ROOT || packageRoot();
  if (isAbsolute(root)) return root;
  throw new ConfigError(
    `NANOCLAW_ROOT is ${JSON.stringify(root)}; it must be an absolute path, like ${resolve(root)}`,
  );
}

/** The environment with `.env` below it; empty values count as absent. */
export function readVariables(environment: Variables): Variables {
  const root = rootOf(environment);
  const merged = { ...readEnvFile(join(root, '.env')) };
  // The system's own TZ has forms that name no zone, like :/etc/localtime.
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && value !== '' && (name !== 'TZ' || isTimezone(value))) merged[name] = value;
  const present = Object.entries(merged).filter(([, value]) => value !== undefined && value !== '');
  return { ...Object.fromEntries(present), NANOCLAW_ROOT: root };
}

function chooseProvider(variables: Variables, named: Provider | undefined): Provider {
  if (named !== undefined) return named;
  const withKey = PROVIDERS.find((provider) =>
    KEY_VARIABLES[provider].some((name) => variables[name] !== undefined),
  );
  if (withKey !== undefined) return withKey;
  const names = Object.values(KEY_VARIABLES).flat().join(', ');
  throw new ConfigError(
    `No agent is configured. Put one key into ${variables.NANOCLAW_ROOT}/.env (${names}), or set AGENT_PROVIDER=offline for the built-in agent that needs none.`,
  );
}

function parseVersion(text: string | undefined): readonly [number, number, number] | undefined {
  if (text === undefined) return undefined;
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return [major, minor, patch];
}

/** What every command needs, whether or not an agent is configured. */
export type BaseConfig = Omit<Config, 'provider'>;

/**
 * Reads and checks the configuration of a command that runs no agent.
 * @param environment the process environment
 * @throws ConfigError that names the variable, what was given and what is accepted
 */
export function loadBaseConfig(environment: Variables): BaseConfig {
  return readConfig(readVariables(environment)).base;
}

/**
 * Reads and checks the whole configuration.
 * @param environment the process environment
 * @throws ConfigError that names the variable, what was given and what is accepted
 */
export function loadConfig(environment: Variables): Config {
  const variables = readVariables(environment);
  const { base, named } = readConfig(variables);
  return { ...base, provider: chooseProvider(variables, named) };
}

/** A wrong value in an error. An address may hold a password, wherever it is wrong. */
function shown(name: string, value: string | undefined): string {
  const written = JSON.stringify(value);
  return name.endsWith('_URL') ? written.replace(/^".*@/, '"[redacted]@') : written;
}

function readConfig(variables: Variables): {
  readonly base: BaseConfig;
  readonly named: Provider | undefined;
} {
  const parsed = Environment.safeParse(variables);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]) as keyof typeof Environment.shape;
      return `${name} is ${shown(name, variables[name])}; accepted is ${Environment.shape[name].description}.`;
    });
    throw new ConfigError([...new Set(lines)].join('\n'));
  }
  const values = parsed.data;
  if (values.WHATSAPP_ROOT_KEY !== undefined && values.WHATSAPP_URL === undefined) {
    throw new ConfigError(
      'WHATSAPP_ROOT_KEY is set without WHATSAPP_URL; another root key is only accepted for a server on this machine. Unset it, or set WHATSAPP_URL too.',
    );
  }
  if (values.TRANSCRIBE_COMMAND !== undefined && values.TRANSCRIBE_URL !== undefined) {
    throw new ConfigError(
      'TRANSCRIBE_COMMAND and TRANSCRIBE_URL are both set; voice notes are transcribed by one of them. Unset the other.',
    );
  }
  const { username, password } = new URL(values.TRANSCRIBE_URL ?? 'http://localhost');
  if (username !== '' || password !== '') {
    throw new ConfigError(
      'TRANSCRIBE_URL holds a user or a password; no address with one can be asked. Take out what stands before the @, and put the key into TRANSCRIBE_API_KEY.',
    );
  }
  const base: BaseConfig = {
    root: values.NANOCLAW_ROOT,
    packageRoot: packageRoot(),
    assistantName: values.ASSISTANT_NAME,
    model: values.AGENT_MODEL,
    runtime: values.CONTAINER_RUNTIME,
    image: values.CONTAINER_IMAGE,
    containerTimeoutMs: values.CONTAINER_TIMEOUT,
    idleTimeoutMs: values.IDLE_TIMEOUT,
    maxConcurrentContainers: values.MAX_CONCURRENT_CONTAINERS,
    minTaskIntervalMs: values.MIN_TASK_INTERVAL_MS,
    maxTurnsPerHour: values.MAX_TURNS_PER_HOUR,
    ownNumber: values.ASSISTANT_HAS_OWN_NUMBER,
    timezone: values.TIMEZONE ?? values.TZ ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    logLevel: values.LOG_LEVEL,
    credentials: values.CREDENTIALS,
    attachments: {
      maxBytes: values.ATTACHMENT_MAX_BYTES,
      maxTotalBytes: values.ATTACHMENT_TOTAL_BYTES,
      days: values.ATTACHMENT_DAYS,
    },
    transcription: {
      command: values.TRANSCRIBE_COMMAND,
      url: values.TRANSCRIBE_URL,
      model: values.TRANSCRIBE_MODEL,
      timeoutMs: values.TRANSCRIBE_TIMEOUT,
    },
    whatsapp: {
      url: values.WHATSAPP_URL,
      rootKey: values.WHATSAPP_ROOT_KEY,
      version: parseVersion(values.WHATSAPP_VERSION),
      addressing: values.WHATSAPP_ADDRESSING,
    },
  };
  return { base, named: values.AGENT_PROVIDER };
}
