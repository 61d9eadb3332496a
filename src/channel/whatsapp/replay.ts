import {
  type AuthenticationCreds,
  addTransactionCapability,
  cleanMessage,
  DEFAULT_CONNECTION_CONFIG,
  decryptMessageNode,
  type SignalKeyStore,
  type SignalRepositoryWithLIDStore,
  type SocketConfig,
  type WAMessage,
  WAMessageStubType,
} from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import { baileysLog } from './baileys-log.ts';
import { textOf } from './errors.ts';
import type { Taking } from './inbound.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { Plaintexts } from './plaintexts.ts';

/** An entry that so many starts could not end is dropped: it may be what ends them. One that the core holds was no such start. */
const MOST_TRIES = 3;

export interface ReplayOptions {
  readonly journal: Journal;
  readonly plaintexts: Plaintexts;
  readonly creds: AuthenticationCreds;
  readonly keys: SignalKeyStore;
  readonly makeSignalRepository: SocketConfig['makeSignalRepository'];
  readonly take: (message: WAMessage) => Taking;
  readonly log: Log;
}

/**
 * Hands on what an earlier process received and the core may not have, in the order of arrival; to be done before the
 * line opens, so that nothing newer overtakes it. Never rejects.
 * @returns how many messages were handed on
 */
export async function replay(options: ReplayOptions): Promise<number> {
  const { journal, creds, keys, makeSignalRepository, log } = options;
  const entries = journal.entries();
  if (entries.length === 0 || creds.me === undefined) return 0;
  const said = baileysLog(log);
  const { transactionOpts } = DEFAULT_CONNECTION_CONFIG;
  const auth = { creds, keys: addTransactionCapability(keys, said, transactionOpts) };
  const repository = makeSignalRepository(auth, said);
  let handedOn = 0;
  for (const entry of entries) {
    try {
      if (await replayOne(options, repository, entry)) handedOn += 1;
    } catch (error) {
      log.warn(
        { err: error },
        'A message of an earlier process could not be read, it is tried again at the next start',
      );
    }
  }
  repository.close?.();
  journal.flush();
  return handedOn;
}

async function replayOne(
  { journal, plaintexts, creds, take, log }: ReplayOptions,
  repository: SignalRepositoryWithLIDStore,
  { seq, message: name, node, tries }: JournalEntry,
): Promise<boolean> {
  const drop = (reason: string): false => {
    log.warn({ reason }, 'A message of an earlier process was dropped');
    journal.settle(name);
    return false;
  };
  if (node === undefined) return drop('its row does not parse');
  if (tries >= MOST_TRIES) return drop(`${tries} starts could not hand it on`);
  if (creds.me === undefined) return false;
  journal.countTry(seq);
  plaintexts.expect(node);
  let message: WAMessage;
  try {
    const { id, lid = '' } = creds.me;
    const reading = decryptMessageNode(node, id, lid, repository, baileysLog(log));
    await reading.decrypt();
    message = reading.fullMessage;
    cleanMessage(message, id, lid);
  } catch (error) {
    return drop(textOf(error));
  }
  // No receipt has left for one that was never decrypted: the server brings it again, and Baileys asks for it anew.
  if (message.messageStubType === WAMessageStubType.CIPHERTEXT) return drop('it cannot be decrypted');
  const taking = plaintexts.wasRepeated(name) ? 'taken' : take(message);
  // A database that is locked or full says nothing against the message.
  if (taking === 'held') journal.discountTry(seq);
  if (taking !== 'taken') return false;
  journal.settle(name);
  return true;
}
