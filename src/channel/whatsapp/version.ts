import { readFileSync } from 'node:fs';
import type { WAVersion } from '@whiskeysockets/baileys';
import { z } from 'zod';
import { type Clock, HOUR, SECOND } from '../../clock.ts';
import { isReadable } from '../../exists.ts';
import type { Log } from '../../log.ts';
import { replaceFile } from '../../replace-file.ts';
import { timeLimit } from '../../time-limit.ts';
import { textOf } from './errors.ts';

/** A version of WhatsApp Web as the client states it when it logs in. */
export type WhatsAppVersion = readonly [number, number, number];

/** The version that this code was tested with, and when it was the current one. */
export const PINNED_VERSION: WhatsAppVersion = [2, 3000, 1043857760];
const PINNED_AT = Date.UTC(2026, 6, 24);

const DAY = 24 * HOUR;

/** The web client's own service worker names the current version. */
const SERVICE_WORKER = 'https://web.whatsapp.com/sw.js';
/** Without what a browser sends, the answer is an error page. */
const BROWSER_HEADERS = {
  'sec-fetch-site': 'none',
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
} as const;
const CLIENT_REVISION = /\\?"client_revision\\?":\s*(\d+)/;
const LOOK_UP_TIMEOUT_MS = 5 * SECOND;
const LOOK_UP_EVERY_MS = DAY;
/** Known versions stopped linking after 3.5 to 5 months (Baileys issues 2679 and 2733). */
const OLD_AFTER_MS = 100 * DAY;

const Version = z.tuple([z.int(), z.int(), z.int()]).readonly();
const Known = z.object({
  lookedUp: z.object({ version: Version, at: z.number() }).optional(),
  lastLogin: z.object({ version: Version, at: z.number(), knownSince: z.number() }).optional(),
});
type Known = z.infer<typeof Known>;

/** The version that is used, where it is from, and when it was the current one, in milliseconds since the epoch. */
export interface VersionInUse {
  readonly version: WhatsAppVersion;
  readonly source: 'WHATSAPP_VERSION' | 'looked up' | 'last login' | 'built in';
  /** Undefined: nobody knows. */
  readonly currentAt: number | undefined;
}

export interface ClientVersionsOptions {
  /** `store/whatsapp-version.json`. */
  readonly file: string;
  /** WHATSAPP_VERSION: nothing else is used, and nothing is looked up. */
  readonly fixed: WhatsAppVersion | undefined;
  /** Another server than WhatsApp's. */
  readonly serverUrl: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Which version of WhatsApp Web this client states. WhatsApp refuses old ones with 405, or lets them log in and does
 * not link them without saying so. The one that was looked up, the one of the last login that succeeded and the one
 * built in, the newest knowledge first; one that was refused is not used again before the next start.
 */
export class ClientVersions {
  readonly #options: ClientVersionsOptions;
  readonly #refused = new Set<string>();
  #known: Known;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();
  #lookingUp: Promise<void> | undefined;
  /** The last look-up failed, and that was logged. */
  #failed = false;

  constructor(options: ClientVersionsOptions) {
    this.#options = options;
    this.#known = readKnown(options.file);
  }

  get current(): VersionInUse {
    const candidates = candidatesOf(this.#known, this.#options.fixed);
    const left = candidates.find(({ version }) => !this.#refused.has(nameOf(version)));
    return left ?? (candidates[0] as VersionInUse);
  }

  /** Looks the current version up once a day, from now on if it was not looked up within a day. */
  start(): void {
    if (this.#options.fixed !== undefined) return;
    this.#timer ??= setInterval(() => void this.lookUp(), HOUR).unref();
    void this.lookUp();
  }

  /** Nothing is written after it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopped.abort();
    await this.#lookingUp;
  }

  /** Looks the current version up, unless that was done within a day. Never rejects; takes 5 s at most. */
  async lookUp(): Promise<void> {
    const { fixed, clock } = this.#options;
    const last = this.#known.lookedUp?.at ?? Number.NEGATIVE_INFINITY;
    if (fixed !== undefined || Math.abs(clock.now() - last) < LOOK_UP_EVERY_MS) return;
    this.#lookingUp ??= this.#lookUp().finally(() => {
      this.#lookingUp = undefined;
    });
    await this.#lookingUp;
  }

  async #lookUp(): Promise<void> {
    const { clock, log, serverUrl } = this.#options;
    const limit = timeLimit(this.#stopped.signal, LOOK_UP_TIMEOUT_MS);
    try {
      const version = await fetchCurrentVersion(serviceWorkerOf(serverUrl), limit.signal);
      if (this.#stopped.signal.aborted) return;
      await this.#keep({ ...this.#known, lookedUp: { version, at: clock.now() } });
      this.#failed = false;
      log.info({ version: nameOf(version) }, 'The current version of WhatsApp Web was looked up');
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const cause = error instanceof Error && error.cause !== undefined ? ` (${textOf(error.cause)})` : '';
      log[this.#failed ? 'debug' : 'warn'](
        { reason: `${textOf(error)}${cause}`, version: nameOf(this.current.version) },
        'The current version of WhatsApp Web could not be looked up; the last known one is used',
      );
      this.#failed = true;
    } finally {
      limit.clear();
    }
  }

  /**
   * The service has refused the version that a connection stated. Never rejects; takes 5 s at most.
   * @returns whether another one is left to try
   */
  async refuse(version: WhatsAppVersion): Promise<boolean> {
    if (this.#options.fixed !== undefined) return false;
    this.#refused.add(nameOf(version));
    await this.lookUp();
    const next = this.current.version;
    if (this.#refused.has(nameOf(next))) return false;
    this.#options.log.warn(
      { refused: nameOf(version), next: nameOf(next) },
      'WhatsApp refused this version of WhatsApp Web (405); another one is tried',
    );
    return true;
  }

  /** A login with this version has succeeded. Never rejects. */
  async loggedIn({ version, currentAt }: VersionInUse): Promise<void> {
    const { clock, fixed, log } = this.#options;
    if (fixed !== undefined || nameOf(this.#known.lastLogin?.version ?? PINNED_VERSION) === nameOf(version))
      return;
    try {
      const at = clock.now();
      await this.#keep({ ...this.#known, lastLogin: { version, at, knownSince: currentAt ?? at } });
    } catch (error) {
      log.warn({ reason: textOf(error) }, 'The version of the last login could not be kept');
    }
  }

  async #keep(known: Known): Promise<void> {
    this.#known = known;
    await replaceFile(this.#options.file, `${JSON.stringify(known)}\n`, 0o600);
  }
}

/** The version that the next connection uses. @param fixed WHATSAPP_VERSION @throws NoAccessError */
export function versionInUse(file: string, fixed: WhatsAppVersion | undefined): VersionInUse {
  isReadable(file);
  return candidatesOf(readKnown(file), fixed)[0] as VersionInUse;
}

/** In words: the version, where it is from and how old it is. @param now milliseconds since the epoch */
export function versionInWords({ version, source, currentAt }: VersionInUse, now: number): string {
  const age = currentAt === undefined ? '' : `, ${ageInWords(now - currentAt)} old`;
  return `${nameOf(version)} (${source}${age})`;
}

/** Why the version may keep an account from being linked, and what to do; undefined: it is new enough. */
export function oldVersionAdvice(inUse: VersionInUse, now: number): string | undefined {
  const isOld = inUse.currentAt === undefined ? isOlder(inUse.version) : now - inUse.currentAt > OLD_AFTER_MS;
  if (!isOld) return undefined;
  return (
    `The version of WhatsApp Web that is used, ${versionInWords(inUse, now)}, may be too old: WhatsApp then refuses to link ` +
    'a device, often without a reason. Let this machine reach https://web.whatsapp.com, where the current one is looked ' +
    'up, or set WHATSAPP_VERSION=2.3000.N in .env'
  );
}

/** Baileys wants a tuple of its own that it may change. */
export function toBaileysVersion(version: WhatsAppVersion): WAVersion {
  return [...version];
}

function candidatesOf({ lookedUp, lastLogin }: Known, fixed: WhatsAppVersion | undefined): VersionInUse[] {
  if (fixed !== undefined) return [{ version: fixed, source: 'WHATSAPP_VERSION', currentAt: undefined }];
  const candidates: (VersionInUse & { currentAt: number })[] = [
    ...(lookedUp
      ? [{ version: lookedUp.version, source: 'looked up' as const, currentAt: lookedUp.at }]
      : []),
    ...(lastLogin
      ? [{ version: lastLogin.version, source: 'last login' as const, currentAt: lastLogin.knownSince }]
      : []),
    { version: PINNED_VERSION, source: 'built in', currentAt: PINNED_AT },
  ];
  // A newer program brings a newer version than what an older one looked up.
  return candidates.sort((a, b) => b.currentAt - a.currentAt);
}

/** A file that is not there or does not parse says nothing: everything in it can be had again. */
function readKnown(file: string): Known {
  try {
    return Known.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}

/** @throws when there is no answer, or none that names a revision */
async function fetchCurrentVersion(url: string, signal: AbortSignal): Promise<WhatsAppVersion> {
  const response = await fetch(url, { headers: BROWSER_HEADERS, signal });
  if (!response.ok) throw new Error(`${url} answered HTTP ${response.status}`);
  const revision = CLIENT_REVISION.exec(await response.text())?.[1];
  if (revision === undefined) throw new Error(`${url} names no client revision`);
  return [2, 3000, Number(revision)];
}

function serviceWorkerOf(serverUrl: string | undefined): string {
  if (serverUrl === undefined) return SERVICE_WORKER;
  const { protocol, host } = new URL(serverUrl);
  return `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}/sw.js`;
}

const nameOf = (version: WhatsAppVersion): string => version.join('.');

function isOlder([, , revision]: WhatsAppVersion): boolean {
  return revision < PINNED_VERSION[2];
}

function ageInWords(ms: number): string {
  const days = Math.floor(ms / DAY);
  if (days >= 1) return days === 1 ? '1 day' : `${days} days`;
  return ms < HOUR ? 'less than an hour' : `${Math.floor(ms / HOUR)} h`;
}
