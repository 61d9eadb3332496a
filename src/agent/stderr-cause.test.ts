import { expect, it } from 'vitest';
import { causeIn } from './stderr-cause.ts';

const NODE = `file:///app/agent-runner/runner.mjs:3
throw new Error('boom');
      ^

Error: boom
    at main (file:///app/agent-runner/runner.mjs:3:7) {
  code: 'ENOENT',
  [cause]: [Object]
}

Node.js v24.1.0
`;

it.each([
  ['Node’s uncaught error', NODE, 'Error: boom'],
  [
    'an error of several lines',
    'TypeError: bad input\nsecond line\n    at x (y:1:2)\n',
    'TypeError: bad input',
  ],
  [
    'Python’s traceback',
    'Traceback (most recent call last):\n  File "a.py", line 1, in x\n    x()\nValueError: too small\n',
    'ValueError: too small',
  ],
  [
    'Rust’s panic',
    "thread 'main' panicked at src/main.rs:1:2:\nno room\nnote: run with `RUST_BACKTRACE=1`\n",
    'no room',
  ],
  ['a last line without a stack', 'Error: an earlier one\nSegmentation fault\n', 'Segmentation fault'],
  ['a stack alone', '    at x (y:1:2)\n', 'at x (y:1:2)'],
  ['nothing', '', ''],
])('the cause in stderr is named for %s', (_, stderr, cause) => {
  expect(causeIn(stderr)).toBe(cause);
});
