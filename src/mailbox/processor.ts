import { unlink } from 'node:fs/promises';
import type { Clock, NewId } from '../clock.ts';
import { scaffoldGroup } from '../groups/group-folders.ts';
import { registerGroup } from '../groups/registration.ts';
import type { Log } from '../log.ts';
import { codeOf, isPassing } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import type { MailboxResult } from '../protocol/host-files.ts';
import type { MailboxOperation } from '../protocol/mailbox.ts';
import { ScheduleError } from '../schedule/schedule.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import type { Store } from '../store/store.ts';
import { refusalOf } from './authority.ts';
import { perform } from './effects.ts';
import { isRefusal } from './errors.ts';
import { displayName } from './file-name.ts';
import type { GroupSync } from './group-sync.ts';
import type { ClaimedFile } from './intake.ts';
import type { Limits } from './limits.ts';
import { demandChat } from './message-effects.ts';
import type { OutgoingFiles, TakenFile } from './outgoing-files.ts';
import type { Quarantine } from './quarantine.ts';
import { type MailboxRequest, parseRequest, withCurrentAddresses } from './request.ts';
import { readPlainFile } from './safe-read.ts';

export interface ProcessorOptions {
  readonly store: Store;
  readonly paths: Paths;
  readonly snapshots: Snapshots;
  readonly quarantine: Quarantine;
  readonly outgoingFiles: OutgoingFiles;
  readonly groupSync: GroupSync;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timezone: string;
  readonly limits: Limits;
}

/** How far one look at a claimed file came. */
export type Processed =
  | { readonly kind: 'done' }
  /** It may still be being written; bad if it is the same at the next look. */
  | { readonly kind: 'unsettled'; readonly reason: string; readonly signature: string }
  /** Somebody else is being asked; `ended` never rejects. */
  | { readonly kind: 'deferred'; readonly ended: Promise<void> };

const DONE = { kind: 'done' } as const;

/** Undoes what was only tried. */
class OnlyTried extends Error {}

/**
 * A claimed file becomes its effect. The steps, each of which may be the last before a crash:
 * 1. one transaction: the effect and the claim's row with the answer (for a refusal the row alone);
 * 2. the answer is written to `results/`;
 * 3. the file is unlinked, or put into quarantine with the reason.
 * A file whose claim's row exists was at step 1: only 2 and 3 are done again.
 */
type Refused = Extract<MailboxResult, { ok: false }>;

export class Processor {
  readonly #options: ProcessorOptions;

  constructor(options: ProcessorOptions) {
    this.#options = options;
  }

  /** @throws the machine's error when it passes (`isPassing`): the file stays claimed and is tried again */
  async process(file: ClaimedFile): Promise<Processed> {
    const { store, limits } = this.#options;
    const earlier = store.claims.find(file.id);
    if (earlier !== undefined) {
      await this.#conclude(file, earlier.requestId ?? undefined, earlier.result, undefined);
      return DONE;
    }
    if (store.groups.inFolder(file.folder) === undefined) {
      await this.refuse(file, new GroupGoneError().message);
      return DONE;
    }
    const content = await readPlainFile(file.path, limits.fileBytes);
    if (content.kind === 'gone') return DONE;
    if (content.kind === 'unsettled') return content;
    if (content.kind === 'bad') {
      await this.refuse(file, content.reason);
      return DONE;
    }
    const parsed = parseRequest(content.text);
    if (parsed.kind === 'unsettled') return { ...parsed, signature: content.signature };
    if (parsed.kind === 'bad') {
      await this.refuse(file, parsed.reason, parsed.requestId);
      return DONE;
    }
    return this.#fulfil(file, this.#resolved(parsed.request));
  }

  #resolved<R extends MailboxRequest>(request: R): R {
    return withCurrentAddresses(request, (jid) => this.#options.store.samePerson.current(jid));
  }

  /**
   * Stores that it was refused, gives the answer, if one was asked for, and puts the file away.
   * @param details what the answer says beside the reason
   */
  async refuse(
    file: ClaimedFile,
    reason: string,
    requestId?: string | undefined,
    details?: Pick<Refused, 'intervalLimitsMs'>,
  ): Promise<void> {
    const result: MailboxResult = { ok: false, error: reason, ...details };
    this.#options.store.claims.add(
      { ...this.#claim(file), operation: 'refused', requestId, result, changed: false },
      this.#options.clock.now(),
    );
    await this.#conclude(file, requestId, result, undefined);
  }

  async #fulfil(file: ClaimedFile, request: MailboxRequest): Promise<Processed> {
    if (request.type === 'refresh_groups') return this.#refresh(file, request.requestId);
    let result: MailboxResult;
    try {
      if (request.type === 'register_group') await this.#prepareGroup(file, request);
      const sent = request.type === 'file' ? await this.#takeFile(file, request) : undefined;
      result = this.#commit(file, request, sent);
    } catch (error) {
      if (isPassing(error)) throw error;
      // A copy that stays is swept away later: why the request is refused must not be lost for it.
      await this.#options.outgoingFiles.release(file.id).catch(() => undefined);
      const limits = error instanceof ScheduleError ? error.intervalLimitsMs : undefined;
      const details = limits === undefined ? {} : { intervalLimitsMs: limits };
      await this.refuse(file, this.#wordsFor(error, file), request.requestId, details);
      return DONE;
    }
    await this.#options.outgoingFiles.release(file.id);
    this.#options.log.debug({ folder: file.folder, operation: request.type }, 'Mailbox file taken');
    await this.#conclude(file, request.requestId, result, request.type);
    return DONE;
  }

  /** The effect and its claim, or nothing. */
  #commit(
    file: ClaimedFile,
    request: Exclude<MailboxRequest, { type: 'refresh_groups' }>,
    sent: TakenFile | undefined,
  ): MailboxResult {
    const { store, clock, timezone, newId, limits } = this.#options;
    return store.transaction(() => {
      // Asked again in here: since the file was claimed the group may have been taken out.
      const source = store.groups.inFolder(file.folder);
      if (source === undefined) throw new GroupGoneError();
      const now = clock.now();
      const claim = this.#claim(file);
      const context = { store, source, runId: claim.runId, now, timezone, newId, limits };
      // Resolved again in here: while a file was taken an address may have been replaced.
      const { result, changed } = perform(context, this.#resolved(request), sent);
      store.claims.add(
        { ...claim, operation: request.type, requestId: request.requestId, result, changed },
        now,
      );
      return result;
    });
  }

  /** What a request sends is taken before its row is committed. What is refused leaves it where it is. */
  async #takeFile(file: ClaimedFile, request: Extract<MailboxRequest, { type: 'file' }>): Promise<TakenFile> {
    const { store, outgoingFiles } = this.#options;
    const source = store.groups.inFolder(file.folder);
    if (source === undefined) throw new GroupGoneError();
    demandChat({ store, source }, request);
    return outgoingFiles.claim(file.folder, request.file, file.id);
  }

  /**
   * Makes the directories of a group that is about to be registered, so that a registered group always has them. First
   * it is tried whether it will be registered: what is refused leaves no directories. One that is registered has them, and a
   * sandbox may be at work in them.
   */
  async #prepareGroup(
    file: ClaimedFile,
    request: Extract<MailboxRequest, { type: 'register_group' }>,
  ): Promise<void> {
    const { store, paths, clock } = this.#options;
    const source = store.groups.inFolder(file.folder);
    if (source === undefined || refusalOf(source, { operation: 'register_group' }) !== undefined) return;
    if (store.groups.find(request.jid) !== undefined) return;
    try {
      store.transaction(() => {
        registerGroup(store, request, clock.now());
        throw new OnlyTried();
      });
    } catch (error) {
      if (!(error instanceof OnlyTried)) throw error;
    }
    await scaffoldGroup(paths, request.folder, request.name);
  }

  async #refresh(file: ClaimedFile, requestId: string | undefined): Promise<Processed> {
    const { store, groupSync } = this.#options;
    const source = store.groups.inFolder(file.folder);
    const refusal =
      source === undefined
        ? new GroupGoneError().message
        : refusalOf(source, { operation: 'refresh_groups' });
    if (refusal !== undefined) {
      await this.refuse(file, refusal, requestId);
      return DONE;
    }
    return { kind: 'deferred', ended: this.#answerRefresh(file, requestId, groupSync.run()) };
  }

  async #answerRefresh(
    file: ClaimedFile,
    requestId: string | undefined,
    answer: Promise<MailboxResult | undefined>,
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const result = await answer;
      if (result === undefined) return;
      store.claims.add(
        { ...this.#claim(file), operation: 'refresh_groups', requestId, result, changed: false },
        clock.now(),
      );
      await this.#conclude(file, requestId, result, 'refresh_groups');
    } catch (error) {
      log.error(
        { error, folder: file.folder },
        'A refresh of the groups could not be answered; it is tried again',
      );
    }
  }

  #claim(file: ClaimedFile): { claimId: string; folder: string; runId: string | undefined } {
    const runId = this.#options.store.runs.runningIn(file.folder);
    return { claimId: file.id, folder: file.folder, runId };
  }

  /** Steps 2 and 3. */
  async #conclude(
    file: ClaimedFile,
    requestId: string | undefined,
    result: MailboxResult,
    operation: MailboxOperation | undefined,
  ): Promise<void> {
    if (requestId !== undefined) await this.#answer(file.folder, requestId, result, operation);
    if (!result.ok) return this.#putAway(file, result.error);
    try {
      await unlink(file.path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** An answer that cannot be written costs the agent its certainty, nothing else: its tool stops waiting by itself. */
  async #answer(
    folder: string,
    requestId: string,
    result: MailboxResult,
    operation: MailboxOperation | undefined,
  ): Promise<void> {
    const { store, snapshots, log } = this.#options;
    const group = store.groups.inFolder(folder);
    if (group === undefined) return;
    try {
      // Who reads the snapshots right after the answer must find there what the answer says.
      if (result.ok && operation !== undefined && operation !== 'message') await snapshots.write(group);
      await snapshots.writeResult(folder, requestId, result);
    } catch (error) {
      log.warn({ error, folder }, 'A mailbox answer could not be written');
    }
  }

  async #putAway(file: ClaimedFile, reason: string): Promise<void> {
    try {
      await this.#options.quarantine.put(file, reason);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  #wordsFor(error: unknown, file: ClaimedFile): string {
    if (isRefusal(error) || error instanceof GroupGoneError) return error.message;
    const name = file.name === undefined ? undefined : displayName(file.name);
    this.#options.log.error({ error, folder: file.folder, file: name }, 'Mailbox effect failed');
    return 'The host failed at this; its log says why.';
  }
}

/** The group was taken out between the claim and the commit. */
class GroupGoneError extends Error {
  override readonly name = 'GroupGoneError';

  constructor() {
    super('no registered group has this folder');
  }
}
