import { networkInterfaces } from 'node:os';

/** Whether this machine has an address now. */
export function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((found) => found?.address === address);
}
