import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';
import { toolServerLost } from '../programs/tool-server-failure.ts';
import { logFile } from './home.ts';
import { readFrom } from './turn-record.ts';

const UNAVAILABLE = /mcp server unavailable\s+server=(\S+).*?reason="?([^"\n]*)/g;

/** A server of tools that did not start. */
export interface LostServer {
  readonly name: string;
  readonly reason: string;
}

/** @param log lines of Kimi's own log */
export function lostServers(log: string): LostServer[] {
  return [...log.matchAll(UNAVAILABLE)].map(([, name = '', reason = '']) => ({ name, reason }));
}

/** Kimi says only in its log that a server of tools did not start. */
export class ServerLog {
  readonly #file: string;
  readonly #begin: number;

  /** @param begin where this run's part of the log begins, in bytes */
  constructor(home: string, begin: number) {
    this.#file = logFile(home);
    this.#begin = begin;
  }

  /**
   * Names on stderr what did not start since then.
   * @throws TurnFailure when it is the assistant's own
   */
  async check(): Promise<void> {
    const log = await readFrom(this.#file, this.#begin).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') process.stderr.write(`kimi's log cannot be read: ${error.message}\n`);
      return '';
    });
    for (const { name, reason } of lostServers(log)) {
      process.stderr.write(`the tool server "${name}" did not start: ${reason}\n`);
      if (name === TOOL_SERVER_NAME) throw toolServerLost(reason);
    }
  }
}
