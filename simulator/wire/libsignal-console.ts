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
  // What a device cannot read, the simulator tells as a problem of its own.
  'Failed to decrypt message with any known session',
  'Session error:',
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
    const { info, warn, error } = console;
    const quietInfo = filtered(info);
    const quietWarn = filtered(warn);
    const quietError = filtered(error);
    console.info = quietInfo;
    console.warn = quietWarn;
    console.error = quietError;
    restore = () => {
      if (console.info === quietInfo) console.info = info;
      if (console.warn === quietWarn) console.warn = warn;
      if (console.error === quietError) console.error = error;
    };
  }
  let released = false;
  return () => {
    if (released) return;
    released = true;
    if (--users === 0) restore?.();
  };
}
