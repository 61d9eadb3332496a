import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, call, controlledTurns } from '../../test/support/controlled-turns.ts';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore } from '../../test/support/test-store.ts';
import { pathsAt } from '../paths.ts';
import type { Store } from '../store/store.ts';
import { adoptV1Files } from './adopt-v1-files.ts';
import { SessionsFile } from './sessions-file.ts';

const PATIENT = { interval: 20 };
const EMPTIED = 'Cleared all sessions: data/sessions.json was emptied';

function rig(store: Store = testStore()) {
  const paths = pathsAt(temporaryDirectory());
  mkdirSync(paths.data);
  const { log, lines } = rememberingLog();
  const file = paths.sessionsFile;
  const start = async (): Promise<SessionsFile> => {
    const sessionsFile = new SessionsFile({ store, paths, log, timings: { mailboxSettleMs: 20 } });
    store.bells.on('sessions', () => sessionsFile.refresh());
    onTestFinished(() => sessionsFile.stop());
    await sessionsFile.start();
    return sessionsFile;
  };
  const words = (): string[] => lines.map(({ msg }) => msg);
  const view = (): unknown => JSON.parse(readFileSync(file, 'utf8'));
  const shows = (expected: unknown): Promise<void> =>
    vi.waitFor(() => expect(view()).toEqual(expected), PATIENT);
  const cleared = (): Promise<void> =>
    vi.waitFor(() => {
      expect(store.sessions.all()).toEqual([]);
      expect(words()).toContain(EMPTIED);
    }, PATIENT);
  return { store, paths, log, file, start, words, view, shows, cleared };
}

describe('data/sessions.json', () => {
  it('is left alone without a word once the database is closed', async () => {
    const { store, file, start, words, shows } = rig();
    store.sessions.save(MAIN.folder, 'claude', { sessionId: 's-1' });
    const sessionsFile = await start();
    await shows({ main: 's-1' });
    store.close();
    writeFileSync(file, '{}');
    await sessionsFile.refresh();
    expect(words()).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('{}');
  });

  it('is named with what to do when something else stands in its place', async () => {
    const { file, start, words } = rig();
    mkdirSync(file);
    await start();
    expect(words()).toEqual([expect.stringMatching(/sessions\.json cannot be read .*move away/)]);
  });

  it('shows each group’s session, Codex’s by the mark codex-last, and follows what changes', async () => {
    const { store, start, view, shows } = rig();
    store.sessions.save('family', 'codex', { sessionId: '0199-a' });
    store.sessions.save('main', 'claude', { sessionId: 'session-1' });
    store.sessions.save('main', 'codex', { sessionId: '0199-b' });
    await start();
    expect(view()).toEqual({ family: 'codex-last', main: 'session-1', 'main/codex': 'codex-last' });
    store.sessions.remove('main', 'claude');
    await shows({ family: 'codex-last', main: 'codex-last' });
  });

  it.each([['{}\n'], ['{}'], [' {\n} '], [''], ['\ufeff{}\r\n'], ['\ufeff{ }']])(
    'clears all sessions when a person writes %j into it, and shows none',
    async (text) => {
      const { store, file, start, shows, cleared } = rig();
      store.sessions.save('main', 'claude', { sessionId: 'session-1' });
      store.sessions.save('family', 'kimi', { sessionId: 'session-2' });
      await start();
      writeFileSync(file, text);
      await cleared();
      await shows({});
      store.sessions.save('main', 'claude', { sessionId: 'session-3' });
      await shows({ main: 'session-3' });
    },
  );

  it('clears all sessions when it is emptied in the moment in which the host writes it', async () => {
    const { store, file, start, shows, cleared } = rig();
    store.sessions.save('main', 'claude', { sessionId: 'session-1' });
    const sessionsFile = await start();
    const all = store.sessions.all.bind(store.sessions);
    // The host has read the file, and makes of the sessions what it writes.
    vi.spyOn(store.sessions, 'all').mockImplementationOnce(() => {
      writeFileSync(file, '{}');
      return all();
    });
    store.sessions.save('family', 'kimi', { sessionId: 'session-2' });
    await sessionsFile.refresh();
    await cleared();
    await shows({});
  });

  it('clears all sessions when it was emptied while no host ran', async () => {
    const { store, file, start, cleared } = rig();
    store.sessions.save('main', 'claude', { sessionId: 'session-1' });
    await (await start()).stop();
    writeFileSync(file, '{}\n');
    await start();
    await cleared();
  });

  it('clears nothing when it is empty from v1, missing, or as the host wrote it before a session was made', async () => {
    const { store, file, start } = rig();
    store.sessions.save('main', 'claude', { sessionId: 'session-1' });
    writeFileSync(file, '{}');
    await (await start()).stop();
    expect(store.sessions.all()).toHaveLength(1);
    store.sessions.remove('main', 'claude');
    await (await start()).stop();
    store.sessions.save('main', 'claude', { sessionId: 'session-2' });
    await (await start()).stop();
    expect(store.sessions.all()).toHaveLength(1);
  });

  it('gives nothing to the database: an edit is undone, and a file of another form is left alone, each logged', async () => {
    const { store, file, start, words, view, shows } = rig();
    store.sessions.save('main', 'claude', { sessionId: 'session-1' });
    await start();
    writeFileSync(file, '{"main":"stolen","family":"x"}');
    await shows({ main: 'session-1' });
    expect(words()).toContainEqual(expect.stringMatching(/only emptying it counts/));
    for (const foreign of ['{ half', '[]', '{"main":{"id":"x"}}']) {
      const before = words().length;
      writeFileSync(file, foreign);
      await vi.waitFor(() => expect(words().length).toBeGreaterThan(before), PATIENT);
      expect(words().at(-1)).toMatch(/is left alone; remove it/);
      expect(readFileSync(file, 'utf8')).toBe(foreign);
    }
    expect(store.sessions.all()).toMatchObject([{ sessionId: 'session-1' }]);
    writeFileSync(file, '{}');
    await shows({});
    expect(view()).toEqual({});
  });

  it('is v1’s at first: it is imported, and kept beside', async () => {
    const { store, paths, log, file, start, view } = rig();
    const text = '{"main":"session-1","../x":"y"}';
    writeFileSync(file, text);
    await adoptV1Files(store, paths, log, 0);
    await start();
    expect(view()).toEqual({ main: 'session-1' });
    expect(readFileSync(`${file}.v1`, 'utf8')).toBe(text);
  });

  it('is not imported at the next start where there was none of v1', async () => {
    const { store, paths, log, start } = rig();
    store.sessions.save('main', 'kimi', { sessionId: 'session-1' });
    await (await start()).stop();
    await adoptV1Files(store, paths, log, 0);
    expect(store.sessions.find('main', 'claude')).toBeUndefined();
  });

  it('clears what running turns would store: a session that was resumed, and one that is new', async () => {
    const { store, agent, started } = controlledTurns();
    const { file, start, cleared } = rig(store);
    store.groups.add(MAIN, 0);
    store.groups.add(FAMILY, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    await start();
    call(store, '1', '@Andy hi');
    const resumed = await started(1);
    call(store, '2', '@Andy hi', FAMILY.jid);
    const fresh = await started(2);
    await resumed.say({ status: 'success', result: null, newSessionId: 'old' });
    writeFileSync(file, '{}\n');
    await cleared();
    for (const act of [resumed, fresh]) {
      await act.say({ ...answer('done'), newSessionId: 'again' });
      act.end();
    }
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    expect(store.sessions.all()).toEqual([]);
    call(store, '3', '@Andy hi again');
    const next = await started(3);
    expect(agent.requests[2]?.sessionId).toBeUndefined();
    await next.say({ ...answer('hello'), newSessionId: 'new' });
    next.end();
    await vi.waitFor(() => expect(store.sessions.all()).toMatchObject([{ sessionId: 'new' }]));
  });
});
