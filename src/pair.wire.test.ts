import { describe, expect, it, onTestFinished } from 'vitest';
import { Simulator } from '../simulator/simulator.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { FAMILY, testTask } from '../test/support/test-store.ts';
import { loadBaseConfig } from './config.ts';
import { openInstance } from './instance.ts';
import { type PairOptions, pair } from './pair.ts';
import type { Store } from './store/store.ts';

async function rig(env: Readonly<Record<string, string>> = {}) {
  const server = await Simulator.start({ owner: { name: 'Maria' } });
  onTestFinished(() => server.close());
  const root = temporaryDirectory();
  const config = loadBaseConfig({
    NANOCLAW_ROOT: root,
    WHATSAPP_URL: server.url,
    WHATSAPP_ROOT_KEY: server.rootKey,
    HOME: root,
    ...env,
  });
  /** `nanoclaw pair`, whose QR the owner's phone scans if there is one. */
  const link = (more: Partial<PairOptions> = {}, phone = server.owner) =>
    pair({
      config,
      log: silentLog,
      keepOfferingQr: false,
      signal: new AbortController().signal,
      onLine: (state) => {
        if (state.status === 'unpaired' && state.qr !== undefined)
          server.scanQr(state.qr, { as: phone }).catch(() => undefined);
      },
      ...more,
    });
  const peter = server.addPerson({ name: 'Peter' });
  const inStore = async <T>(work: (store: Store) => T): Promise<T> => {
    const { store, close } = await openInstance(config, silentLog);
    try {
      return work(store);
    } finally {
      close();
    }
  };
  /** Something that an earlier process left to be sent to Peter. */
  const leave = (text: string): Promise<unknown> =>
    inStore((store) =>
      store.outbox.add({ chatJid: peter.jid, message: { kind: 'text', text }, source: 'reply' }, 0),
    );
  const said = (chat: string) => server.chat(chat).map(({ text }) => text);
  return { server, peter, link, leave, said, inStore };
}

describe('linking an account', () => {
  it('reports the greeting that the phone has got', async () => {
    const { server, link, said } = await rig();
    expect(await link()).toMatchObject({ kind: 'linked', name: 'Maria', hello: 'sent' });
    expect(said(server.selfChat)).toEqual([expect.stringContaining('I live in this chat now')]);
  });

  it('does not mistake another message that leaves meanwhile for the greeting', async () => {
    const { peter, link, leave, said } = await rig();
    await link();
    await leave('late');
    expect(await link()).toMatchObject({ kind: 'linked', hello: 'none' });
    expect(said(peter.jid)).toEqual(['Andy: late']);
  });

  it('does not count the greeting as arrived when only another message was confirmed', async () => {
    const { server, link, leave } = await rig();
    await leave('late');
    const off = server.on('line', ({ text }) => {
      if (text !== 'Andy: late') return;
      off();
      server.faults.withholdAcks();
    });
    expect(await link({ helloMs: 500 })).toMatchObject({ kind: 'linked', hello: 'unconfirmed' });
  });

  it('says once in the chat that the account is linked again after the phone has unlinked it', async () => {
    const { server, link, said } = await rig();
    await link();
    await server.faults.unlinkDevices();
    expect(await link()).toMatchObject({ kind: 'stopped', reason: expect.stringContaining('401') });
    expect(await link()).toMatchObject({ kind: 'linked', hello: 'sent' });
    expect(await link()).toMatchObject({ kind: 'linked', hello: 'none' });
    expect(said(server.selfChat)).toEqual([
      expect.stringContaining('I live in this chat now'),
      expect.stringContaining('I am back'),
    ]);
  });

  it('archives an account that does not work any more on request, and keeps groups and tasks', async () => {
    const { server, link, inStore } = await rig();
    await link();
    const kept = await inStore((store) => {
      store.groups.add(FAMILY, 0);
      store.tasks.add(testTask({ folder: FAMILY.folder, chatJid: FAMILY.jid }));
      return { groups: store.groups.all(), tasks: store.tasks.all() };
    });
    server.faults.refuseLogins(403, 1);
    expect(await link()).toMatchObject({ kind: 'stopped', reason: expect.stringContaining('403') });
    expect(await link({ isNew: true })).toMatchObject({ kind: 'linked', hello: 'sent' });
    expect(server.devices()).toHaveLength(2);
    expect(await inStore((store) => ({ groups: store.groups.all(), tasks: store.tasks.all() }))).toEqual(
      kept,
    );
  });

  it('sends nothing that waited for the account before from another account, and says how much was closed', async () => {
    const { server, peter, link, leave, said } = await rig();
    await link();
    await leave('for Peter');
    const zoe = server.addPerson({ name: 'Zoe' });
    expect(await link({ isNew: true }, zoe)).toMatchObject({ kind: 'linked', name: 'Zoe', hello: 'sent' });
    expect(said(peter.jid)).toEqual([]);
    expect(server.chat(peter.jid, { as: zoe })).toEqual([]);
    expect(server.chat(zoe.jid, { as: zoe }).map(({ text }) => text)).toEqual([
      expect.stringContaining('1 message that was to be sent'),
      expect.stringContaining('I live in this chat now'),
    ]);
  });

  it('names an old version of WhatsApp Web as a possible cause when no phone could link it', async () => {
    const { server, link } = await rig({ WHATSAPP_VERSION: '2.3000.1033846690' });
    server.changeRules({ oldestRevision: 1_033_900_000, oldVersions: 'not linked' });
    const outcome = await link({ patienceMs: 1_500 });
    expect(outcome).toMatchObject({
      kind: 'stopped',
      reason: expect.stringMatching(
        /Nobody linked a phone.*2\.3000\.1033846690 \(WHATSAPP_VERSION\), may be too old/s,
      ),
    });
  });
});
