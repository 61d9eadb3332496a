import type { ContainerConfig } from '../protocol/mailbox.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { checkFolderName, MAIN_FOLDER } from './folder-name.ts';
import { asPolicy } from './owner-settings.ts';

/** A group that cannot be registered as asked; the text says why. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
}

export interface GroupRequest {
  readonly jid: string;
  readonly name: string;
  readonly folder: string;
  /** Absent: what it was; for a new group the assistant's name. */
  readonly trigger?: string | undefined;
  readonly requiresTrigger?: boolean | undefined;
  readonly containerConfig?: ContainerConfig | undefined;
}

/**
 * Registers a chat, or settles anew how one works that is registered in that folder already: what is not asked for stays. To be
 * called inside the transaction of the effect that it belongs to.
 * @param now milliseconds since the epoch
 * @throws FolderNameError, RegistrationError (taken folder, the main channel's, registered in another folder)
 */
export function registerGroup(store: Store, request: GroupRequest, now: number): RegisteredGroup {
  const folder = checkFolderName(request.folder);
  const registered = store.groups.find(request.jid);
  if (registered !== undefined) {
    if (registered.folder !== folder) {
      throw new RegistrationError(
        `${registered.name} is active already, in the folder ${registered.folder}. Name that folder to change its settings.`,
      );
    }
    const changed: RegisteredGroup = {
      ...registered,
      trigger: request.trigger ?? registered.trigger,
      requiresTrigger: request.requiresTrigger ?? registered.requiresTrigger,
      containerConfig: request.containerConfig ?? registered.containerConfig,
    };
    store.groups.changeSettings(changed);
    return changed;
  }
  if (folder.toLowerCase() === MAIN_FOLDER)
    throw new RegistrationError(`The folder ${MAIN_FOLDER} belongs to the main channel.`);
  const holder = store.groups.all().find((group) => group.folder.toLowerCase() === folder.toLowerCase());
  if (holder !== undefined) {
    throw new RegistrationError(`The folder ${folder} is in use by ${holder.name}; choose another name.`);
  }
  const group: RegisteredGroup = {
    jid: store.samePerson.current(request.jid),
    name: request.name,
    folder,
    trigger: request.trigger ?? nameOf(store),
    requiresTrigger: request.requiresTrigger ?? true,
    isMain: false,
    containerConfig: request.containerConfig ?? {},
  };
  store.groups.add(group, now);
  return group;
}

/**
 * The settings that a chat has, or would have if it were registered in that folder now: the network that the owner chose
 * outlives that a chat is taken out.
 */
export function settingsOf(store: Store, jid: string, folder: string): ContainerConfig {
  const registered = store.groups.find(jid);
  if (registered !== undefined) return registered.containerConfig;
  const kept = [store.samePerson.current(jid), folder.toLowerCase()].map((key) =>
    store.state.get(`network:${key}`),
  );
  return kept.includes('none') ? { network: 'none' } : {};
}

/** What calls the assistant by its name. */
function nameOf(store: Store): string {
  const trigger = store.state.get('assistant:trigger');
  if (trigger === undefined) throw new RegistrationError('A trigger is missing, for example "@Andy".');
  return trigger;
}

/** Registers the owner's self-chat as the main channel, once. @returns the main group, new or old */
export function registerMain(
  store: Store,
  selfChatJid: string,
  trigger: string,
  now: number,
): RegisteredGroup {
  const main = store.groups.main();
  if (main !== undefined) return main;
  const group: RegisteredGroup = {
    jid: selfChatJid,
    name: 'Main',
    folder: MAIN_FOLDER,
    trigger,
    requiresTrigger: true,
    isMain: true,
    containerConfig: {},
  };
  store.groups.add(group, now);
  return group;
}

/**
 * Takes a chat out. Its folder, memory and sessions stay; its tasks are paused, and what waits to be sent there never is.
 * @throws RegistrationError for the main channel and for a chat that is not registered
 */
export function unregisterGroup(store: Store, jid: string, now: number): RegisteredGroup {
  const group = store.groups.find(jid);
  if (group === undefined) throw new RegistrationError('That chat is not active.');
  if (group.isMain) throw new RegistrationError('The main channel cannot be taken out.');
  // Its address now: the one that was named may be an earlier one.
  store.groups.remove(group.jid);
  const network = asPolicy(group.containerConfig.network);
  for (const key of [group.jid, group.folder.toLowerCase()]) {
    const state = `network:${key}` as const;
    if (network !== 'open' || store.state.get(state) !== undefined) store.state.set(state, network);
  }
  // What was asked before is not answered if the chat comes back one day.
  store.messages.moveCursorToEnd(group.jid);
  store.outbox.giveUpWaiting(group.jid, 'the chat was taken out', now);
  for (const task of store.tasks.ofFolder(group.folder)) {
    store.runs.cancelQueued(task.id, now);
    store.tasks.change(task.id, { status: 'paused' });
  }
  return group;
}

/** Lets the groups that are called by the assistant's name follow when that name is changed. */
export function followAssistantName(store: Store, trigger: string): void {
  store.transaction(() => {
    const before = store.state.get('assistant:trigger');
    if (before === trigger) return;
    if (before !== undefined) store.groups.replaceTrigger(before, trigger);
    store.state.set('assistant:trigger', trigger);
  });
}
