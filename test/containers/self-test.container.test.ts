import { describe, expect, it } from 'vitest';
import { testRuntime } from '../../src/agent/runtime/self-test.ts';
import { testAgent } from '../support/sandbox.ts';
import { selfTestAs } from '../support/self-test-as.ts';
import { silentLog } from '../support/silent-log.ts';
import { engineRuntime, KINDS } from './engine-agent.ts';
import { TEST_IMAGE } from './image.ts';

describe.each(KINDS)('the self-test of %s', (kind) => {
  it('passes for the user of the tests, and leaves nothing behind', async () => {
    const tested = await selfTestAs(kind, undefined, { CONTAINER_IMAGE: TEST_IMAGE });
    expect(tested.findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(tested.findings).toHaveLength(6);
    expect(tested.leftovers).toEqual([]);
  });

  it('reports a host with another user than the owner of its directories', async () => {
    const stranger = { uid: 4321, gid: 4321 };
    const agent = await testAgent({ runtime: (request) => engineRuntime(kind, request, stranger) });
    const { runtime, paths, installId } = agent;
    const findings = await testRuntime({ runtime, paths, installId, hostUser: stranger, log: silentLog });
    const wrong = findings.filter(({ ok }) => !ok);
    expect(wrong).toEqual([
      {
        name: 'the agent can write what is its own',
        ok: false,
        detail: expect.stringMatching(/group EACCES.*sessions EACCES/),
        cure: expect.stringMatching(/engine of this user/),
      },
    ]);
  });
});
