import type { Person } from '../accounts/person.ts';
import type { Controlled } from './controlled.ts';

/** Nothing is at that path, or nobody has that name. */
export class NotFound extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotFound';
  }
}

/** Whom a JID or a name means. Throws NotFound. */
export function findPerson(simulator: Controlled, given: string): Person {
  const found = simulator.people.find(
    ({ jid, lid, name }) => given === jid || given === lid || given === name,
  );
  if (!found) throw new NotFound(`Nobody is called "${given}": use a JID or a name of GET /people.`);
  return found;
}

function findGroup(simulator: Controlled, given: string): string | undefined {
  return simulator.groups.find(({ jid, subject }) => given === jid || given === subject)?.jid;
}

/** The JID of a group that is named by JID or subject. Throws NotFound. */
export function groupNamed(simulator: Controlled, given: string): string {
  const jid = findGroup(simulator, given);
  if (jid === undefined)
    throw new NotFound(`No group is called "${given}": use a JID or a subject of GET /groups.`);
  return jid;
}

/** The JID of a chat that is named by "self", a JID, a group's subject or a person's name. */
export function findChat(simulator: Controlled, given: string): string {
  if (given === 'self') return simulator.selfChat;
  return findGroup(simulator, given) ?? findPerson(simulator, given).jid;
}
