import { describe, expect, inject, it, vi } from 'vitest';
import { House } from '../support/house.ts';

const WAITING = 200;
/** Every so many-th message calls. */
const CALLS = 20;
/** So many reconnects fail meanwhile. */
const RECONNECTS = 3;

describe('an outage', () => {
  it(`an outage of ${WAITING} messages loses none: they are read once and in order, and triggers are answered`, {
    timeout: 120_000,
  }, async () => {
    // With the host's own waiting times: reconnects after 1 s, 2 s and 4 s, up to half of each of it random.
    const house = await House.start({}, { hasRealTimes: true });
    const bea = house.simulator.addPerson({ name: 'Bea' });
    const { jid } = house.simulator.createGroup({ subject: 'Family', members: [bea] });
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    const { simulator } = house;
    simulator.faults.goOffline();
    const said: string[] = [];
    for (let n = 1; n <= WAITING; n += 1) {
      const text = n % CALLS === 0 ? `@Andy echo call ${n}` : `line ${n}`;
      said.push(text);
      await simulator.say({ chat: jid, text, ...(n % 2 === 0 && { as: bea }) });
    }
    const lost = await vi.waitFor(() => {
      const lines = house.log().filter((line) => /The WhatsApp line closed/.test(line));
      expect(lines.length).toBeGreaterThan(RECONNECTS);
      return lines.map((line) => Date.parse(line.slice(1, line.indexOf(']'))));
    });
    for (let n = 1; n <= RECONNECTS; n += 1)
      expect((lost[n] ?? 0) - (lost[n - 1] ?? 0), `wait ${n}`).toBeGreaterThanOrEqual(250 * 2 ** n);
    simulator.faults.comeBack();
    await simulator.waitFor(
      ({ chat, byDevice, text }) => chat === jid && byDevice && text.includes(`call ${WAITING}`),
      { timeoutMs: inject('waitMs') },
    );
    await house.idle();
    const stored = house.query<{ content: string }>(
      `SELECT content FROM messages WHERE chat_jid = '${jid}' AND is_bot_message = 0 ORDER BY seq`,
    );
    expect(stored.map(({ content }) => content)).toEqual(said);
    // What is read together is answered together: each call is named once.
    const answers = house.said(jid).join('\n');
    for (let n = CALLS; n <= WAITING; n += CALLS)
      expect(answers.match(new RegExp(`call ${n}\\b`, 'g')), `call ${n}`).toHaveLength(1);
    expect(house.query("SELECT 1 FROM runs WHERE status NOT IN ('succeeded')")).toEqual([]);
    await vi.waitFor(() => expect(simulator.devices()).toEqual([expect.objectContaining({ waiting: 0 })]));
    expect(simulator.problems).toEqual([]);
  });
});

describe('a phone that requests a message again', () => {
  it.each(['direct chat', 'group'])('gets the same text of a %s from the next process', async (kind) => {
    const house = await House.start();
    const { simulator } = house;
    const bea = simulator.addPerson({ name: 'Bea' });
    const { jid } = simulator.createGroup({ subject: 'Family', members: [bea] });
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    const chat = kind === 'group' ? jid : simulator.selfChat;
    await house.say('@Andy echo before', chat);
    await house.answer(/before/, chat);
    await house.idle();
    await house.say('@Andy sleep 1', chat);
    await vi.waitUntil(() => house.query("SELECT 1 FROM runs WHERE status = 'running'").length > 0);
    // Not before: what the phone says makes a new session.
    simulator.faults.loseSessions();
    const unreadable = new Promise<void>((resolve) => {
      const stop = simulator.on('problem', ({ kind: problem }) => {
        if (problem !== 'not decrypted') return;
        stop();
        // Before the phone has asked.
        resolve(house.end('SIGKILL'));
      });
    });
    await unreadable;
    await vi.waitUntil(() => simulator.devices().some(({ waiting }) => waiting > 0));
    expect(house.said(chat)).toEqual(expect.not.arrayContaining([expect.stringContaining('slept')]));
    // As if the server's ack had come in time: then nothing is sent again unasked.
    house.change("UPDATE outbox SET status = 'sent' WHERE status = 'sending'");
    await house.begin();
    const { id } = await house.answer(/slept/, chat);
    await house.idle();
    expect(house.said(chat).filter((text) => text.includes('slept'))).toHaveLength(1);
    expect(simulator.sends(id)).toBeGreaterThan(1);
    expect(house.query(`SELECT 1 FROM outbox WHERE wire_id = '${id}'`)).toHaveLength(1);
  });
});
