import { wellFormed } from '../protocol/graphemes.ts';
import { OutputFrame } from '../protocol/output-frame.ts';
import { FrameError } from './frame-reader.ts';

/**
 * Reads what stands between the markers.
 * @throws FrameError when it is not of the agreed form
 */
export function parseFrame(content: string): OutputFrame {
  let json: unknown;
  try {
    json = JSON.parse(content, wellFormed);
  } catch {
    // The parser's own words quote what it read, which may be anything.
    throw new FrameError('a frame is no JSON');
  }
  const parsed = OutputFrame.safeParse(json);
  if (!parsed.success)
    throw new FrameError(`a frame is not of the agreed form: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}
