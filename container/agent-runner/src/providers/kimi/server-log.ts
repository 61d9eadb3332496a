import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnFailure } from '../../failure.ts';
import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';
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
  #begin = 0;

  constructor(home: string) {
    this.#file = join(home, 'logs', 'kimi-code.log');
  }

  /** From here on it is this run's. */
  async mark(): Promise<void> {
    this.#begin = await stat(this.#file).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /**
   * Names on stderr what did not start since the mark.
   * @throws TurnFailure when it is the assistant's own
   */
  async check(): Promise<void> {
    const log = await readFrom(this.#file, this.#begin).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') process.stderr.write(`kimi's log cannot be read: ${error.message}\n`);
      return '';
    });
    for (const { name, reason } of lostServers(log)) {
      process.stderr.write(`the tool server "${name}" did not start: ${reason}\n`);
      if (name === TOOL_SERVER_NAME) {
        throw new TurnFailure(`The assistant’s tool server "${name}" did not start (${reason})`);
      }
    }
  }
}
