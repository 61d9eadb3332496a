import { parseArgs } from 'node:util';
import type { SimulatorOptions } from './simulator.ts';

/** What `--help` prints. */
export const USAGE = `Usage: npm run -s simulator -- [options]

A WhatsApp server on 127.0.0.1 for tests and the demo. The first line on stdout is
JSON: {"url","controlUrl","rootKey"}. It runs until SIGTERM, SIGINT or POST /shutdown.

  --port N            port for clients (default: a free one)
  --control-port N    port of the control interface (default: a free one)
  --wire-log FILE     append every stanza and every decrypted message to FILE (JSONL)
  --owner-name NAME   the push name of the phone's owner (default: Owner)
  --owner-number N    the phone number of the owner (default: 4915112345678)
  --help              this text
`;

/** An option has a value that it cannot have. */
export class BadOption extends Error {
  constructor(option: string, given: string) {
    super(`--${option} is "${given}": give a port number from 0 to 65535.`);
    this.name = 'BadOption';
  }
}

function port(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (!/^\d+$/.test(given) || number > 65_535) throw new BadOption(option, given);
  return number;
}

/**
 * Reads the command line, without the program's name.
 *
 * @throws BadOption, or Node's error for an option that does not exist.
 */
export function readOptions(args: string[]): SimulatorOptions | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string' },
      'control-port': { type: 'string' },
      'wire-log': { type: 'string' },
      'owner-name': { type: 'string' },
      'owner-number': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return 'help';
  const clientPort = port('port', values.port);
  const controlPort = port('control-port', values['control-port']);
  const { 'wire-log': wireLog, 'owner-name': name, 'owner-number': number } = values;
  return {
    ...(clientPort !== undefined && { port: clientPort }),
    ...(controlPort !== undefined && { controlPort }),
    ...(wireLog !== undefined && { wireLog }),
    owner: { ...(name !== undefined && { name }), ...(number !== undefined && { number }) },
  };
}
