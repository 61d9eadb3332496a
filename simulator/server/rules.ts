import { z } from 'zod';

/** The client revision (the last part of its version) from which on the simulator links and logs in by default. */
const OLDEST_REVISION = 1_043_000_000;
const CURRENT_REVISION = 1_043_857_760;

/**
 * How the service treats clients. The defaults are what WhatsApp is reported to do always since summer 2026; a test of
 * a client that cannot stand one of them relaxes it and says so.
 */
export const ServiceRules = z.strictObject({
  secretRefresh: z
    .enum(['offered', 'shown', 'scanned', 'never'])
    .default('offered')
    .describe(
      'when the secret of a QR code is retired (companion_reg_refresh): with the offer of references, once they are shown, when the first code was scanned, or never',
    ),
  refreshChild: z
    .enum(['companion_reg_refresh', 'pair-device-rotate-qr'])
    .default('companion_reg_refresh')
    .describe('what the notification of a retired secret contains'),
  displayNames: z
    .enum(['known', 'any', 'none'])
    .default('known')
    .describe('which display names a request for a pairing code may have; any other is answered with 400'),
  currentRevision: z
    .int()
    .min(0)
    .default(CURRENT_REVISION)
    .describe(
      'the client revision that the web client’s service worker names (GET /sw.js); 0: it names none',
    ),
  oldestRevision: z
    .int()
    .min(0)
    .default(OLDEST_REVISION)
    .describe('the oldest client revision, the N of version 2.3000.N, that is accepted'),
  oldVersions: z
    .enum(['refused', 'not linked'])
    .default('refused')
    .describe(
      'what happens to an older client: 405, or the phone cannot link it and nobody tells the client',
    ),
  recipients: z
    .enum(['checked', 'any'])
    .default('checked')
    .describe(
      'whether a message is refused that names a device twice or the sending device, and the own chat shows only what came by LID',
    ),
  history: z
    .enum(['inline', 'downloads'])
    .default('inline')
    .describe(
      'how the older part of the history is sent: in the message, or as a file. WhatsApp sends a file, which Baileys fetches from mmg.whatsapp.net only',
    ),
  passkey: z
    .boolean()
    .default(false)
    .describe('linking must be confirmed with a passkey, which some accounts are asked for'),
});
export type ServiceRules = z.infer<typeof ServiceRules>;

const BROWSERS = 'Chrome|Edge|Firefox|Safari|Opera|IE';
const SYSTEMS = 'Windows|Linux|Ubuntu|Mac OS|macOS|Android|iOS|Chrome OS';
const KNOWN_NAME = new RegExp(`^(?:${BROWSERS}) \\((?:${SYSTEMS})\\)$`);

/** Whether the service takes a request for a pairing code by a client of this name, which must be `Browser (OS)`. */
export function takesDisplayName({ displayNames }: ServiceRules, name: string): boolean {
  return displayNames === 'any' || (displayNames === 'known' && KNOWN_NAME.test(name));
}
