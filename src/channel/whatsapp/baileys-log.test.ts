import { pino } from 'pino';
import { expect, it } from 'vitest';
import { baileysLog } from './baileys-log.ts';

it.each([
  ['info', ['disconnected']],
  ['debug', ['disconnected']],
  ['trace', ['details', 'connected', 'stream errored out', 'disconnected']],
])('LOG_LEVEL=%s shows %j of what Baileys logs', (level, shown) => {
  const lines: { level: number; msg: string }[] = [];
  const log = baileysLog(pino({ level }, { write: (line) => void lines.push(JSON.parse(line)) }));
  for (const each of [log, log.child({ class: 'socket' })]) {
    lines.length = 0;
    each.debug({}, 'details');
    each.info('connected');
    each.error({}, 'stream errored out');
    each.warn('disconnected');
    expect(lines.map(({ msg }) => msg)).toEqual(shown);
    // A file that shows more than the terminal makes trace enabled there too.
    expect(lines.map(({ level: said }) => said).filter((said) => said > 10)).toHaveLength(1);
  }
});
