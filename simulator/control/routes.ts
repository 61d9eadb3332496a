import type { Person } from '../accounts/person.ts';
import type { Controlled } from './controlled.ts';
import { makeFault } from './make-fault.ts';
import {
  groupRequest,
  isFaultName,
  personRequest,
  sayRequest,
  scanRequest,
  waitRequest,
} from './requests.ts';

/** A request as the routes see it. */
export interface ControlRequest {
  method: string;
  /** Without the query string, `/` in front. */
  path: string;
  query: Readonly<Record<string, string>>;
  body: unknown;
}

/** Nothing is at that path, or nobody has that name. */
export class NotFound extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotFound';
  }
}

function findPerson(simulator: Controlled, given: string): Person {
  const found = simulator.people.find(
    ({ jid, lid, name }) => given === jid || given === lid || given === name,
  );
  if (!found) throw new NotFound(`Nobody is called "${given}": use a JID or a name of GET /people.`);
  return found;
}

/** The JID of a chat that is named by "self", a JID, a group's subject or a person's name. */
function findChat(simulator: Controlled, given: string): string {
  if (given === 'self') return simulator.selfChat;
  const group = simulator.groups.find(({ jid, subject }) => given === jid || given === subject);
  return group?.jid ?? findPerson(simulator, given).jid;
}

function state(simulator: Controlled): unknown {
  const { url, rootKey, owner, selfChat, people, groups, problems } = simulator;
  return {
    url,
    rootKey,
    owner,
    selfChat,
    people,
    groups,
    problems,
    devices: simulator.devices(),
    typing: simulator.typing(),
    connections: simulator.connections(),
    faults: simulator.faults.standing,
  };
}

function say(simulator: Controlled, body: unknown): Promise<unknown> {
  const { chat, as, text, quoted, addressing, offline } = sayRequest.parse(body);
  return simulator.say({
    chat: findChat(simulator, chat),
    text,
    ...(as !== undefined && { as: findPerson(simulator, as) }),
    ...(quoted !== undefined && { quoted }),
    ...(addressing !== undefined && { addressing }),
    ...(offline !== undefined && { offline }),
  });
}

function wait(simulator: Controlled, query: unknown): Promise<unknown> {
  const { chat, contains = '', byDevice, after, timeoutMs } = waitRequest.parse(query);
  const jid = chat === undefined ? undefined : findChat(simulator, chat);
  let counts = after === undefined;
  return simulator.waitFor(
    (line) => {
      if (!counts) {
        counts = line.id === after;
        return false;
      }
      const rightSender = byDevice === undefined || line.byDevice === (byDevice === 'true');
      return rightSender && (jid === undefined || line.chat === jid) && line.text.includes(contains);
    },
    { timeoutMs },
  );
}

function makeGroup(simulator: Controlled, body: unknown): unknown {
  const { subject, members, addressing } = groupRequest.parse(body);
  const people = members.map((member) => findPerson(simulator, member));
  return simulator.createGroup({ subject, members: people, ...(addressing && { addressing }) });
}

function addPerson(simulator: Controlled, body: unknown): unknown {
  const { name, number } = personRequest.parse(body);
  return simulator.addPerson({ name, ...(number !== undefined && { number }) });
}

type Route = (simulator: Controlled, request: ControlRequest) => unknown;

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /state': (simulator) => state(simulator),
  'GET /people': ({ people }) => people,
  'POST /people': (simulator, { body }) => addPerson(simulator, body),
  'GET /groups': ({ groups }) => groups,
  'POST /groups': (simulator, { body }) => makeGroup(simulator, body),
  'GET /chat': (simulator, { query }) => simulator.chat(findChat(simulator, query.chat ?? '')),
  'GET /typing': (simulator) => simulator.typing(),
  'GET /receipts': (simulator, { query }) => simulator.receipts(query.id),
  'GET /faults': ({ faults }) => faults.standing,
  'GET /wait': (simulator, { query }) => wait(simulator, query),
  'POST /say': (simulator, { body }) => say(simulator, body),
  'POST /scan': async (simulator, { body }) => {
    await simulator.scanQr(scanRequest.parse(body).qr);
    return { paired: simulator.devices().at(-1)?.jid };
  },
};

const FAULT_PATH = '/faults/';

/** Does what the request says. Rejects with NotFound, ZodError, and what the simulator rejects with. */
export async function answer(simulator: Controlled, request: ControlRequest): Promise<unknown> {
  const { method, path, body } = request;
  const fault = path.startsWith(FAULT_PATH) ? path.slice(FAULT_PATH.length) : '';
  if (method === 'POST' && isFaultName(fault))
    return { result: await makeFault(simulator.faults, fault, body) };
  const route = `${method} ${path}`;
  if (!Object.hasOwn(ROUTES, route)) throw new NotFound(`There is no ${route}: see simulator/README.md.`);
  return ROUTES[route]!(simulator, request);
}
