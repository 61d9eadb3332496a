/**
 * libsignal prints whole sessions, private keys included, through `console`. It has no switch for that, so the
 * simulated devices would fill the terminal of whoever runs them.
 */
const NOISE = [
  'Closing session:',
  'Opening session:',
  'Removing old closed session:',
  'Session already closed',
  'Closing open session in favor of incoming prekey bundle',
  'Decrypted message with closed session.',
] as const;

let users = 0;
let restore: (() => void) | undefined;

function filtered(print: (...data: unknown[]) => void): (...data: unknown[]) => void {
  return (...data) => {
    const first = data[0];
    if (typeof first === 'string' && NOISE.some((start) => first.startsWith(start))) return;
    print(...data);
  };
}

/**
 * Keeps libsignal's dumps off the console until the returned function is called by every user; other output
 * passes through.
 */
export function quietLibsignal(): () => void {
  if (users++ === 0) {
    const { info, warn } = console;
    const quietInfo = filtered(info);
    const quietWarn = filtered(warn);
    console.info = quietInfo;
    console.warn = quietWarn;
    restore = () => {
      if (console.info === quietInfo) console.info = info;
      if (console.warn === quietWarn) console.warn = warn;
    };
  }
  let released = false;
  return () => {
    if (released) return;
    released = true;
    if (--users === 0) restore?.();
  };
}
