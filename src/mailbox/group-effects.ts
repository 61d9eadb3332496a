import { grantToAgent } from '../groups/owner-settings.ts';
import { registerGroup, settingsOf, unregisterGroup } from '../groups/registration.ts';
import { printable } from '../printable.ts';
import { shortened } from '../protocol/graphemes.ts';
import type { TaskFile } from '../protocol/mailbox.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import { demand, type Effect, type EffectContext } from './effect.ts';

type Request<Type extends TaskFile['type']> = Extract<TaskFile, { type: Type }>;

/** So much of a name or a path is repeated in a chat, in UTF-16 units. */
const MOST_REPEATED = 100;

/**
 * Never makes a main channel, whatever the file says, and grants nothing that is the owner's act.
 * @throws Refusal, RegistrationError, FolderNameError
 */
export function registerGroupEffect(context: EffectContext, request: Request<'register_group'>): Effect {
  demand(context, { operation: 'register_group' });
  const { store, now } = context;
  const before = settingsOf(store, request.jid, request.folder);
  const { config, held, hint } = grantToAgent(request.containerConfig ?? before, before, request.folder);
  const group = registerGroup(store, { ...request, containerConfig: config }, now);
  const words = changeInMain(group, JSON.stringify(before.additionalMounts), hint);
  const main = store.groups.main();
  if (words !== undefined && main !== undefined)
    store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text: words }, source: 'notice' }, now);
  const more = hint === undefined ? {} : { held, hint };
  return { result: { ok: true, folder: group.folder, ...more }, changed: true };
}

/**
 * The owner's one line about what a chat's agent sees from now on of this machine.
 * @param before its extra directories until now, as JSON
 * @returns undefined: nothing of that has changed, and nothing was held back
 */
function changeInMain(
  { name, containerConfig: { additionalMounts } }: RegisteredGroup,
  before: string | undefined,
  hint: string | undefined,
): string | undefined {
  const repeated = (text: string): string => shortened(printable(text), MOST_REPEATED);
  const lines: string[] = [];
  if (JSON.stringify(additionalMounts) !== before) {
    const paths = (additionalMounts ?? []).map(
      ({ hostPath, readonly }) => `${repeated(hostPath)}${readonly === false ? ' (and write there)' : ''}`,
    );
    const sees = paths.length === 0 ? 'no directory of this computer' : paths.join(', ');
    const limits = paths.length === 0 ? '' : ', as far as mount-allowlist.json permits';
    lines.push(`ℹ️ In ${repeated(name)} I can read from now on: ${sees}${limits}.`);
  }
  if (hint !== undefined)
    lines.push(`Held back; only you can allow it: ${shortened(printable(hint), MOST_REPEATED * 10)}`);
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** @throws Refusal, RegistrationError */
export function unregisterGroupEffect(context: EffectContext, request: Request<'unregister_group'>): Effect {
  demand(context, { operation: 'unregister_group' });
  const group = unregisterGroup(context.store, request.jid, context.now);
  return { result: { ok: true, folder: group.folder }, changed: true };
}
