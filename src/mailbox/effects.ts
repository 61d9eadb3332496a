import type { Effect, EffectContext } from './effect.ts';
import { registerGroupEffect, unregisterGroupEffect } from './group-effects.ts';
import { fileEffect, messageEffect, reactionEffect } from './message-effects.ts';
import type { TakenFile } from './outgoing-files.ts';
import type { MailboxRequest } from './request.ts';
import { cancelTask, pauseTask, resumeTask, runTask, scheduleTask, updateTask } from './task-effects.ts';

/** Requests that a transaction can fulfil; refreshing the groups asks the platform and takes its time. */
export type DirectRequest = Exclude<MailboxRequest, { type: 'refresh_groups' }>;

/**
 * Does what a file asks for. To be called inside the transaction that also stores its claim.
 * @param file what a request for a file sends
 * @throws an error for which `isRefusal` holds when it is not to be done; nothing has changed then
 */
export function perform(context: EffectContext, request: DirectRequest, file?: TakenFile): Effect {
  switch (request.type) {
    case 'message':
      return messageEffect(context, request);
    case 'file':
      if (file === undefined) throw new Error('a file is taken before its request is fulfilled');
      return fileEffect(context, request, file);
    case 'reaction':
      return reactionEffect(context, request);
    case 'schedule_task':
      return scheduleTask(context, request);
    case 'update_task':
      return updateTask(context, request);
    case 'pause_task':
      return pauseTask(context, request);
    case 'resume_task':
      return resumeTask(context, request);
    case 'cancel_task':
      return cancelTask(context, request);
    case 'run_task':
      return runTask(context, request);
    case 'register_group':
      return registerGroupEffect(context, request);
    case 'unregister_group':
      return unregisterGroupEffect(context, request);
  }
}
