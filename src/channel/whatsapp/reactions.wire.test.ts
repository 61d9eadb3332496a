import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { inspectCredentials } from './credentials.ts';
import { REACTIONS } from './reconnect.ts';
import { BACKOFF, Rig } from './testing/rig.ts';

/** How a code reaches the client: on an open line, or instead of one. */
type Way = 'as a last word' | 'at the login';
const ON_THE_LINE: readonly Way[] = ['as a last word'];
const BOTH: readonly Way[] = ['as a last word', 'at the login'];

/** Codes after which the line comes back by itself, the ways in which they come, and whether a wait comes before. */
const COMES_BACK: readonly (readonly [number, readonly Way[], 'at once' | 'after a wait'])[] = [
  [515, BOTH, 'at once'],
  [428, ON_THE_LINE, 'after a wait'],
  [408, ON_THE_LINE, 'after a wait'],
  [503, BOTH, 'after a wait'],
  [500, BOTH, 'after a wait'],
  [501, BOTH, 'after a wait'],
  [429, BOTH, 'after a wait'],
];

/** Codes after which it does not, what becomes of the credentials, and what the owner reads. */
const STAYS_AWAY: readonly (readonly [number, 'kept' | 'laid aside', RegExp])[] = [
  [
    440,
    'kept',
    /^Another program has taken over this linked device \(440\).* Stop the other one, then start/,
  ],
  [400, 'kept', /^WhatsApp refuses this login as malformed \(400\)\. .*\.\/nanoclaw pair --new$/],
  [406, 'kept', /banned this account or logged it out \(406\).*\.\/nanoclaw pair --new$/],
  [409, 'kept', /refuses this client.* \(409\)\. Update NanoClaw and start again\.$/],
  [415, 'kept', /does not know this linked device any more \(415\).*\.\/nanoclaw pair --new$/],
  [418, 'kept', /does not know this client any more \(418\).*\.\/nanoclaw pair --new$/],
  [516, 'laid aside', /^The phone has removed this linked device \(516\).* \.\/nanoclaw pair$/],
  [401, 'laid aside', /^The phone has unlinked this assistant \(401\).* Pair again with: \.\/nanoclaw pair$/],
  [
    403,
    'kept',
    /^WhatsApp has blocked this account.*\(403\).*; then start again\. If.*\.\/nanoclaw pair --new$/,
  ],
  [411, 'kept', /^The account does not take linked devices as it is \(411\)\. .*; then start again\.$/],
  [419, 'kept', /^WhatsApp refuses this login \(419\)\. .*; then start again\.$/],
  [405, 'kept', /client version as too old \(405\).* WHATSAPP_VERSION=.*; then start again\.$/],
];

const ERROR = 50;
let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

/** A paired line that this code meets, at the login `times` times or always. Resolves with the number of states before. */
async function meet(code: number, way: Way, times?: number): Promise<number> {
  await rig.pair();
  if (way === 'as a last word') {
    const since = rig.listener.lines.length;
    await rig.server.faults.closeWith(code);
    return since;
  }
  // What the phone sends after a pairing is handled before: Baileys logs an error where a close interrupts that.
  await vi.waitFor(() => expect(rig.server.devices()).toMatchObject([{ waiting: 0 }]));
  rig.server.faults.refuseLogins(code, times);
  await rig.restart();
  // That of the attempt itself.
  return 1;
}

function accountsAside(): number {
  const database = new BetterSqlite3(rig.databaseFile, { readonly: true });
  try {
    return database.prepare('SELECT at FROM aside_creds').all().length;
  } finally {
    database.close();
  }
}

/** What the log says at error or above, and so what also stands in the errors' log. */
function errors(): readonly string[] {
  return rig.log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter(({ level }) => level >= ERROR)
    .map(({ msg }) => msg);
}

const pairsOf = <T extends readonly [number, readonly Way[], ...unknown[]]>(rows: readonly T[]) =>
  rows.flatMap(([code, ways, then]) => ways.map((way) => [code, way, then] as const));

it('every close code of the table has a test', () => {
  const told = [...COMES_BACK, ...STAYS_AWAY].map(([code]) => code);
  expect(told).toEqual(expect.arrayContaining(Object.keys(REACTIONS).map(Number)));
});

describe('a connection that is restored by itself', () => {
  it.each(pairsOf(COMES_BACK))(
    'follows %i %s: %s, with its account and one connection',
    async (code, way, pause) => {
      const since = await meet(code, way, 1);
      await rig.listener.line('open', since);
      const wait = { status: 'connecting', reason: expect.stringMatching(/; next try in \d+ s$/) };
      expect(rig.listener.lines.slice(since)).toEqual([
        ...(pause === 'at once' ? [] : [wait]),
        { status: 'connecting' },
        { status: 'open' },
      ]);
      expect(rig.server.connections()).toBe(1);
      expect(inspectCredentials(rig.databaseFile)).toMatchObject({ status: 'paired' });
      expect(accountsAside()).toBe(0);
      expect(errors()).toEqual([]);
    },
  );
});

describe('a connection that stays closed', () => {
  const rows = STAYS_AWAY.flatMap(([code, credentials, words]) =>
    BOTH.map((way) => [code, way, credentials, words] as const),
  );

  it.each(rows)(
    'follows %i %s: the credentials are %s, and the owner reads %s',
    async (code, way, credentials, words) => {
      const since = await meet(code, way);
      const stopped = await rig.listener.line('stopped', since);
      expect(stopped).toEqual({ status: 'stopped', code, reason: expect.stringMatching(words) });
      expect(errors()).toEqual([stopped.reason]);
      await vi.waitFor(() => expect(rig.server.connections()).toBe(0));
      const isKept = credentials === 'kept';
      expect(inspectCredentials(rig.databaseFile)).toMatchObject({ status: isKept ? 'paired' : 'unpaired' });
      expect(accountsAside()).toBe(isKept ? 0 : 1);
      // An attempt begins by a state: there was none, and there is none until somebody asks for it.
      await sleep(3 * BACKOFF.reconnectMaxMs);
      expect(rig.listener.lines.slice(since)).toEqual([stopped]);
      expect(rig.channel.state).toEqual(stopped);
      rig.server.faults.clear();
      await rig.restart();
      if (!isKept) await rig.server.scanQr(await rig.listener.qr());
      await rig.listener.line('open');
    },
  );
});

describe('an account that is banned for a time', () => {
  it('is tried again when the time is over, which the owner reads with the reason, and not before', async () => {
    await rig.pair();
    await rig.channel.stop();
    rig.server.faults.banAccount(2, 104);
    const attempts: number[] = [];
    const off = rig.server.on('connection', ({ open }) => void (open && attempts.push(Date.now())));
    await rig.restart();
    const states = rig.listener.lines;
    const waiting = await rig.listener.until(
      () => states.find((line) => line.status === 'connecting' && line.reason?.includes('402')),
      'the ban',
    );
    expect(waiting).toMatchObject({
      reason: expect.stringMatching(
        /banned this account for a time \(402: the same message too many times\).*tries again when the time is over, at 20/,
      ),
    });
    await rig.listener.line('open');
    off();
    expect(attempts).toHaveLength(2);
    expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThan(1_000);
    expect(inspectCredentials(rig.databaseFile)).toMatchObject({ status: 'paired' });
  });
});

describe('QR codes that nobody scans any more', () => {
  it('end in a stopped connection that archives nothing and says how to get new ones', async () => {
    rig.make({ qrTimeoutMs: 20 });
    await rig.channel.start();
    const stopped = await rig.listener.line('stopped');
    expect(stopped).toEqual({
      status: 'stopped',
      code: 408,
      reason: 'Nobody used the code while it was valid. Get a new one with: ./nanoclaw pair',
    });
    const [first, ...rest] = rig.listener.lines;
    expect(first).toEqual({ status: 'connecting' });
    expect(rest.map(({ status }) => status)).toEqual([...Array<string>(6).fill('unpaired'), 'stopped']);
    await vi.waitFor(() => expect(rig.server.connections()).toBe(0));
    expect(inspectCredentials(rig.databaseFile)).toEqual({ status: 'unpaired' });
    expect(accountsAside()).toBe(0);
    expect(errors()).toEqual([]);
  });
});
