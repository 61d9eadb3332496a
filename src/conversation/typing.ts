import type { Channel } from '../channel/channel.ts';

/**
 * Shows "typing…" until the returned function is called, once or more often.
 * @param refreshMs how often it is shown again, in milliseconds: a phone hides it by itself after about 25 s
 */
export function showTyping(
  channel: Pick<Channel, 'setTyping'>,
  chatJid: string,
  refreshMs: number,
): () => void {
  let shown = true;
  void channel.setTyping(chatJid, true);
  const timer = setInterval(() => void channel.setTyping(chatJid, true), refreshMs);
  return () => {
    if (!shown) return;
    shown = false;
    clearInterval(timer);
    void channel.setTyping(chatJid, false);
  };
}
