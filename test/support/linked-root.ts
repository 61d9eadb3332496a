import { mkdir } from 'node:fs/promises';
import type { Simulator } from '../../simulator/simulator.ts';
import { CredentialsStore } from '../../src/channel/whatsapp/credentials-store.ts';
import { pathsAt } from '../../src/paths.ts';

/**
 * Leaves a new root as a pairing leaves it that was greeted: a host on it is linked to the owner's account, shows
 * no QR code and sends no greeting.
 * @throws CredentialsDatabaseError
 */
export async function linkRoot(simulator: Simulator, root: string): Promise<void> {
  const { store: directory, whatsappDatabase } = pathsAt(root);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { creds, keys } = await simulator.linkDevice();
  const store = CredentialsStore.open(whatsappDatabase);
  try {
    // `save` writes the store's own object and no other.
    Object.assign(store.creds, creds);
    store.save(store.creds);
    await store.keys.set(keys);
    store.markGreeted();
  } finally {
    store.close();
  }
}
