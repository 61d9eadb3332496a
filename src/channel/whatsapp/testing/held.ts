import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks';

/** Timers and sockets that this process holds, both ends of a connection among them. */
export function held(): { timers: number; sockets: number } {
  const all = process.getActiveResourcesInfo();
  return {
    timers: all.filter((name) => name === 'Timeout').length,
    sockets: all.filter((name) => name === 'TCPSocketWrap').length,
  };
}

const probe = new AsyncLocalStorage<true>();

/** Asynchronous storages that every new promise of this process carries along; always the same where Node needs none. */
export function storages(): Promise<number> {
  return probe.run(true, async () => {
    await Promise.resolve();
    return Object.getOwnPropertySymbols(executionAsyncResource()).length;
  });
}
