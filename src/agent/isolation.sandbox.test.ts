import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { describeIsolation } from '../../test/support/isolation.ts';
import { chooseTestRuntime } from '../../test/support/sandbox.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { pathsAt } from '../paths.ts';

// Only asks which sandbox there is: nothing is run in this root.
const runtime = await chooseTestRuntime({ installId: 'none', paths: pathsAt(tmpdir()), log: silentLog });

if (runtime.kind === 'plain-process') {
  describe('the host without a sandbox', () => {
    it('warns people that the agent runs without a sandbox', () => {
      expect(runtime.description).toMatch(/no sandbox/);
    });
  });
} else describeIsolation({});
