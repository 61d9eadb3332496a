import { randomBytes } from 'node:crypto';
import {
  decodePatches,
  encodeSyncdPatch,
  type LTHashState,
  newLTHashState,
  proto,
  type WAPatchName,
} from '@whiskeysockets/baileys';

type KeyData = proto.Message.IAppStateSyncKeyData;

/** App state key ids are six bytes. */
const KEY_ID_BYTES = 6;

/** The account's settings that its devices share: collections of encrypted patches, in order. */
export class AppState {
  readonly #patches = new Map<string, Uint8Array[]>();
  readonly #keyId = randomBytes(KEY_ID_BYTES);
  readonly #keyData: KeyData = {
    keyData: randomBytes(32),
    fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
    timestamp: Date.now(),
  };

  /** What the phone tells a new device, so that it can read the collections. */
  keyShare(): proto.Message.IAppStateSyncKeyShare {
    return { keys: [{ keyId: { keyId: this.#keyId }, keyData: this.#keyData }] };
  }

  /** The settings of a new account. */
  static async named(name: string): Promise<AppState> {
    const state = new AppState();
    await state.#setPushName(name);
    return state;
  }

  /** Writes the account's push name, which clients take for their own. */
  async #setPushName(name: string): Promise<void> {
    const { patch } = await encodeSyncdPatch(
      {
        type: 'critical_block',
        index: ['setting_pushName'],
        syncAction: { timestamp: Date.now(), pushNameSetting: { name } },
        apiVersion: 1,
        operation: proto.SyncdMutation.SyncdOperation.SET,
      },
      this.#keyId.toString('base64'),
      newLTHashState(),
      async () => this.#keyData,
    );
    this.append('critical_block', proto.SyncdPatch.encode(patch).finish());
  }

  /** The number of patches, which is the collection's version. */
  version(collection: string): number {
    return this.#patches.get(collection)?.length ?? 0;
  }

  append(collection: string, patch: Uint8Array): void {
    const patches = this.#patches.get(collection) ?? [];
    patches.push(patch);
    this.#patches.set(collection, patches);
  }

  /** What a client keeps of each collection when it has read all patches. */
  async read(): Promise<Record<string, LTHashState>> {
    const states: Record<string, LTHashState> = {};
    for (const [name, patches] of this.#patches) {
      const numbered = patches.map((patch, index) => ({
        ...proto.SyncdPatch.decode(patch),
        version: { version: index + 1 },
      }));
      const key = async (): Promise<KeyData> => this.#keyData;
      // Only clients name collections here, and they know no others.
      const { state } = await decodePatches(name as WAPatchName, numbered, newLTHashState(), key, {});
      states[name] = state;
    }
    return states;
  }

  /** The patches after a version. */
  since(collection: string, version: number): readonly Uint8Array[] {
    return (this.#patches.get(collection) ?? []).slice(version);
  }
}
