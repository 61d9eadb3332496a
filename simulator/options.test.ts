import { expect, it } from 'vitest';
import { BadOption, readOptions } from './options.ts';

it('the options default to free ports, no log and a made-up owner', () => {
  expect(readOptions([])).toEqual({ owner: {} });
});

it('the options are all read', () => {
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

it.each(['http', '', '-1', '1.5', '65536', '1e3'])('the options refuse the port "%s"', (given) => {
  expect(() => readOptions([`--port=${given}`])).toThrow(BadOption);
});

it.each(['--prot', '--port', 'more'])('the options refuse "%s"', (given) => {
  expect(() => readOptions([given])).toThrow(given);
});
