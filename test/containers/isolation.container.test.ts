import { describeIsolation } from '../support/isolation.ts';
import { dockerRuntime } from './docker-agent.ts';

describeIsolation({ runtime: (request) => dockerRuntime(request) });
