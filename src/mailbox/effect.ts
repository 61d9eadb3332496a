import type { NewId } from '../clock.ts';
import type { MailboxResult } from '../protocol/host-files.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { type Ask, refusalOf } from './authority.ts';
import { Refusal } from './errors.ts';
import type { Limits } from './limits.ts';

/** What an effect may use. It runs inside one transaction, so nothing in it may be awaited. */
export interface EffectContext {
  readonly store: Store;
  /** The group that the file came from. */
  readonly source: RegisteredGroup;
  /** The run that was going in the group's folder when the file was taken. */
  readonly runId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timezone: string;
  readonly newId: NewId;
  readonly limits: Limits;
}

export interface Effect {
  readonly result: Extract<MailboxResult, { ok: true }>;
  /** Whether anything is different now: then the run that asked is never run again. */
  readonly changed: boolean;
}

/** @throws Refusal when the source may not do that */
export function demand(context: Pick<EffectContext, 'source'>, ask: Ask): void {
  const refusal = refusalOf(context.source, ask);
  if (refusal !== undefined) throw new Refusal(refusal);
}
