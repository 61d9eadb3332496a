import * as z from 'zod';
import { wellFormed } from '../../../src/protocol/graphemes.ts';
import { TurnInput } from '../../../src/protocol/turn.ts';
import { TurnFailure } from './failure.ts';

/**
 * Reads the turn from stdin up to its end.
 * @throws TurnFailure when it is no JSON object of the agreed form
 */
export async function readTurnInput(stdin: AsyncIterable<Buffer | string>): Promise<TurnInput> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text, wellFormed);
  } catch (error) {
    // The parser's own words may quote what it read, and that may hold keys.
    throw new TurnFailure(`stdin holds no JSON (${text.length} characters; ${(error as Error).name})`);
  }
  const parsed = TurnInput.safeParse(json);
  if (!parsed.success) throw new TurnFailure(`stdin holds no turn: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
