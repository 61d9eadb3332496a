import { TurnFailure } from '../../failure.ts';
import { TOOL_SERVER_NAME } from '../../tools/tool-server.ts';

const TOOK_TOO_LONG = /tim(?:ed?|e) ?out|timeout|deadline|took (?:too long|longer)/i;

/**
 * The assistant's own tool server did not start: nothing works without it.
 * @param reason the program's words
 */
export function toolServerLost(reason: string): TurnFailure {
  const server = `The assistant’s tool server "${TOOL_SERVER_NAME}"`;
  return new TurnFailure(
    TOOK_TOO_LONG.test(reason)
      ? `${server} took too long to start (${reason}): the machine is busy, and another try may do`
      : `${server} did not start (${reason}): if that lasts, rebuild the image with container/build.sh`,
  );
}
