import { TurnFailure } from '../../failure.ts';

const ADVICE =
  'Rebuild the image with this agent (AGENT_PROVIDERS, container/build.sh), or for bubblewrap run npm run agents';

/** The sandbox was built without the agent: no other try can heal it. @param what is missing, as a sentence without its end */
export function notInstalled(what: string): TurnFailure {
  return new TurnFailure(`${what}. ${ADVICE}`, 'not_installed', ADVICE);
}
