import type { Effect, EffectContext } from './effect.ts';
import { registerGroupEffect, unregisterGroupEffect } from './group-effects.ts';
import { messageEffect } from './message-effects.ts';
import type { MailboxRequest } from './request.ts';
import { cancelTask, pauseTask, resumeTask, runTask, scheduleTask, updateTask } from './task-effects.ts';

/** Requests that a transaction can fulfil; refreshing the groups asks the platform and takes its time. */
export type DirectRequest = Exclude<MailboxRequest, { type: 'refresh_groups' }>;

/**
 * Does what a file asks for. To be called inside the transaction that also stores its claim.
 * @throws an error for which `isRefusal` holds when it is not to be done; nothing has changed then
 */
export function perform(context: EffectContext, request: DirectRequest): Effect {
  switch (request.type) {
    case 'message':
    case 'file':
    case 'reaction':
      return messageEffect(context, request);
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
