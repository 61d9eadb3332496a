import type { Person } from '../accounts/person.ts';
import type { Controlled } from './controlled.ts';
import { GROUP_ROUTES } from './group-routes.ts';
import { makeFault } from './make-fault.ts';
import { findChat, findPerson, NotFound } from './names.ts';
import {
  chatRequest,
  codeRequest,
  editRequest,
  isFaultName,
  pastRequest,
  personRequest,
  reactRequest,
  removeRequest,
  rulesRequest,
  sayRequest,
  scanRequest,
  timerRequest,
  waitRequest,
} from './requests.ts';
import type { ControlRequest, Routes } from './route.ts';

function state(simulator: Controlled): unknown {
  const { url, rootKey, mediaCertificate, owner, selfChat, people, groups, problems } = simulator;
  return {
    url,
    rootKey,
    mediaCertificate,
    owner,
    selfChat,
    people,
    groups,
    problems,
    devices: simulator.devices(),
    typing: simulator.typing(),
    connections: simulator.connections(),
    faults: simulator.faults.standing,
    rules: simulator.rules,
  };
}

function asWhom(simulator: Controlled, as: string | undefined): { as?: Person } {
  return as === undefined ? {} : { as: findPerson(simulator, as) };
}

function say(simulator: Controlled, body: unknown): Promise<unknown> {
  const { chat, as, of, mentions, ...rest } = sayRequest.parse(body);
  return simulator.say({
    ...rest,
    chat: findChat(simulator, chat),
    ...asWhom(simulator, as),
    ...(of !== undefined && { of: findPerson(simulator, of) }),
    ...(mentions && { mentions: mentions.map((person) => findPerson(simulator, person)) }),
  });
}

async function setTimer(simulator: Controlled, body: unknown): Promise<unknown> {
  const { chat, seconds, as, of, ...how } = timerRequest.parse(body);
  const side = of !== undefined && { of: findPerson(simulator, of) };
  await simulator.setTimer(findChat(simulator, chat), seconds, { ...asWhom(simulator, as), ...side, ...how });
  return { chat, seconds };
}

function edit(simulator: Controlled, body: unknown): Promise<unknown> {
  const { id, text, ...how } = editRequest.parse(body);
  return simulator.edit(id, text, how);
}

function remove(simulator: Controlled, body: unknown): Promise<unknown> {
  const { id, by, ...how } = removeRequest.parse(body);
  return simulator.remove(id, { ...how, ...(by !== undefined && { by: findPerson(simulator, by) }) });
}

function react(simulator: Controlled, body: unknown): Promise<unknown> {
  const { id, emoji, as, ...how } = reactRequest.parse(body);
  return simulator.react(id, emoji, { ...how, ...(as !== undefined && { as: findPerson(simulator, as) }) });
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

function addPerson(simulator: Controlled, body: unknown): unknown {
  const { number, ...person } = personRequest.parse(body);
  return simulator.addPerson({ ...person, ...(number !== undefined && { number }) });
}

const ROUTES: Routes = {
  'GET /state': (simulator) => state(simulator),
  'GET /people': ({ people }) => people,
  'POST /people': (simulator, { body }) => addPerson(simulator, body),
  'GET /groups': ({ groups }) => groups,
  ...GROUP_ROUTES,
  'GET /chat': (simulator, { query }) => {
    const { chat, as } = chatRequest.parse(query);
    return simulator.chat(findChat(simulator, chat), asWhom(simulator, as));
  },
  'GET /typing': (simulator) => simulator.typing(),
  'GET /receipts': (simulator, { query }) => simulator.receipts(query.id),
  'GET /faults': ({ faults }) => faults.standing,
  'GET /rules': ({ rules }) => rules,
  'POST /rules': (simulator, { body }) => {
    simulator.changeRules(rulesRequest.parse(body));
    return simulator.rules;
  },
  'GET /wait': (simulator, { query }) => wait(simulator, query),
  'POST /say': (simulator, { body }) => say(simulator, body),
  'POST /timer': (simulator, { body }) => setTimer(simulator, body),
  'POST /past': (simulator, { body }) => {
    const { chat, of, as, ...past } = pastRequest.parse(body);
    return simulator.addPast({
      ...past,
      chat: findChat(simulator, chat),
      ...asWhom(simulator, as),
      ...(of !== undefined && { of: findPerson(simulator, of) }),
    });
  },
  'POST /edit': (simulator, { body }) => edit(simulator, body),
  'POST /remove': (simulator, { body }) => remove(simulator, body),
  'POST /react': (simulator, { body }) => react(simulator, body),
  'POST /scan': async (simulator, { body }) => {
    const { qr, as } = scanRequest.parse(body);
    await simulator.scanQr(qr, asWhom(simulator, as));
    return { paired: simulator.devices().at(-1)?.jid };
  },
  'POST /code': async (simulator, { body }) => {
    const { code, as } = codeRequest.parse(body);
    await simulator.enterCode(code, asWhom(simulator, as));
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
