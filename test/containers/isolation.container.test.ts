import { describe } from 'vitest';
import { describeIsolation } from '../support/isolation.ts';
import { engineRuntime, KINDS } from './engine-agent.ts';

describe.each(KINDS)('a sandbox in a container of %s', (kind) => {
  describeIsolation({ runtime: (request) => engineRuntime(kind, request) });
});
