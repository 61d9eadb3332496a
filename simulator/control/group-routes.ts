import type { Person } from '../accounts/person.ts';
import type { Controlled } from './controlled.ts';
import { findPerson, groupNamed } from './names.ts';
import { groupRequest, memberRequest, ownMemberRequest, renameRequest } from './requests.ts';
import type { Routes } from './route.ts';

function create(simulator: Controlled, body: unknown): unknown {
  const { members, by, ...group } = groupRequest.parse(body);
  const people = members.map((member) => findPerson(simulator, member));
  return simulator.createGroup({ ...group, ...byWhom(simulator, by), members: people });
}

function byWhom(simulator: Controlled, by: string | undefined): { by?: Person } {
  return by === undefined ? {} : { by: findPerson(simulator, by) };
}

type Change = 'addMember' | 'removeMember' | 'promote' | 'demote';

function change(simulator: Controlled, name: Change, body: unknown): unknown {
  const { group, person, by } = memberRequest.parse(body);
  simulator[name](groupNamed(simulator, group), findPerson(simulator, person), byWhom(simulator, by));
  return simulator.groups;
}

function changeOwn(simulator: Controlled, name: 'leave' | 'revealNumber', body: unknown): unknown {
  const { group, person } = ownMemberRequest.parse(body);
  simulator[name](groupNamed(simulator, group), findPerson(simulator, person));
  return simulator.groups;
}

function rename(simulator: Controlled, body: unknown): unknown {
  const { group, subject, by } = renameRequest.parse(body);
  simulator.renameGroup(groupNamed(simulator, group), subject, byWhom(simulator, by));
  return simulator.groups;
}

/** Making and changing groups; a change answers with the groups as they are then. */
export const GROUP_ROUTES: Routes = {
  'POST /groups': (simulator, { body }) => create(simulator, body),
  'POST /groups/add': (simulator, { body }) => change(simulator, 'addMember', body),
  'POST /groups/remove': (simulator, { body }) => change(simulator, 'removeMember', body),
  'POST /groups/leave': (simulator, { body }) => changeOwn(simulator, 'leave', body),
  'POST /groups/promote': (simulator, { body }) => change(simulator, 'promote', body),
  'POST /groups/demote': (simulator, { body }) => change(simulator, 'demote', body),
  'POST /groups/rename': (simulator, { body }) => rename(simulator, body),
  'POST /groups/reveal': (simulator, { body }) => changeOwn(simulator, 'revealNumber', body),
};
