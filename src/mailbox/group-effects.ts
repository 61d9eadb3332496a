import { registerGroup, unregisterGroup } from '../groups/registration.ts';
import type { TaskFile } from '../protocol/mailbox.ts';
import { demand, type Effect, type EffectContext } from './effect.ts';

type Request<Type extends TaskFile['type']> = Extract<TaskFile, { type: Type }>;

/** Never makes a main channel, whatever the file says. @throws Refusal, RegistrationError, FolderNameError */
export function registerGroupEffect(context: EffectContext, request: Request<'register_group'>): Effect {
  demand(context, { operation: 'register_group' });
  const group = registerGroup(context.store, request, context.now);
  return { result: { ok: true, folder: group.folder }, changed: true };
}

/** @throws Refusal, RegistrationError */
export function unregisterGroupEffect(context: EffectContext, request: Request<'unregister_group'>): Effect {
  demand(context, { operation: 'unregister_group' });
  const group = unregisterGroup(context.store, request.jid, context.now);
  return { result: { ok: true, folder: group.folder }, changed: true };
}
