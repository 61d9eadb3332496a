import type { Channel } from '../channel/channel.ts';
import { SECOND } from '../clock.ts';

/** A phone stops showing "typing…" by itself after about 25 s. */
const REFRESH_MS = 10 * SECOND;

/** Shows "typing…" until the returned function is called, once or more often. */
export function showTyping(channel: Pick<Channel, 'setTyping'>, chatJid: string): () => void {
  let shown = true;
  void channel.setTyping(chatJid, true);
  const timer = setInterval(() => void channel.setTyping(chatJid, true), REFRESH_MS);
  return () => {
    if (!shown) return;
    shown = false;
    clearInterval(timer);
    void channel.setTyping(chatJid, false);
  };
}
