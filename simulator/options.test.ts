import { expect, it } from 'vitest';
import { BadOption, readOptions } from './options.ts';

it('takes free ports, no log and a made-up owner when nothing is said', () => {
  expect(readOptions([])).toEqual({ owner: {} });
});

it('reads every option', () => {
  const ports = ['--port', '4000', '--control-port', '0'];
  const owner = ['--owner-name', 'Maria', '--owner-number', '4917012345'];
  expect(readOptions([...ports, '--wire-log', 'wire.jsonl', ...owner])).toEqual({
    port: 4000,
    controlPort: 0,
    wireLog: 'wire.jsonl',
    owner: { name: 'Maria', number: '4917012345' },
  });
  expect(readOptions(['--help'])).toBe('help');
});

it.each(['http', '', '-1', '1.5', '65536', '1e3'])('refuses the port "%s"', (given) => {
  expect(() => readOptions([`--port=${given}`])).toThrow(BadOption);
});

it.each(['--prot', '--port', 'more'])('refuses "%s"', (given) => {
  expect(() => readOptions([given])).toThrow(given);
});
