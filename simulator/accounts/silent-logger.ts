import type { makeWASocket } from '@whiskeysockets/baileys';

type Logger = NonNullable<Parameters<typeof makeWASocket>[0]['logger']>;

/** A logger for Baileys' parts that says nothing. */
export function silentLogger(): Logger {
  const nothing = (): void => undefined;
  const logger: Logger = {
    level: 'silent',
    child: () => logger,
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
  };
  return logger;
}
