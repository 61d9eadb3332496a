import { z } from 'zod';
import { MEDIA_KINDS, WRAPS } from '../messages/saying.ts';

const addressing = z.enum(['pn', 'lid']).describe('how the chat is named on the wire: phone number or LID');
const someone = z.string().min(1).describe('a JID in either form, or the name of somebody added before');
const times = z.number().int().positive().optional().describe('how often; always, when absent');
const code = z.number().int().min(100).max(999);

/** POST /scan */
export const scanRequest = z.strictObject({
  qr: z.string().min(1).describe('the text of the QR code'),
  as: someone.exactOptional().describe('whose phone it is; the owner’s when absent'),
});

/** POST /code */
export const codeRequest = z.strictObject({
  code: z.string().min(1).describe('the pairing code; case and dashes do not count'),
  as: someone.exactOptional().describe('whose phone it is; the owner’s when absent'),
});

/** POST /rules; `ServiceRules` says what each may be */
export const rulesRequest = z.record(z.string(), z.unknown());

/** POST /people */
export const personRequest = z.strictObject({
  name: z.string().min(1).describe('the push name'),
  number: z.string().optional().describe('7 to 15 digits with the country code; made up when absent'),
  username: z.string().min(1).exactOptional().describe('hides the number from everybody'),
});

/** POST /groups */
export const groupRequest = z.strictObject({
  subject: z.string().min(1).describe('what the group is called'),
  members: z.array(someone).describe('everybody but whoever makes it'),
  addressing: addressing.exactOptional(),
  by: someone.exactOptional().describe('who makes it; the owner when absent, who else is no member by that'),
  numbersHidden: z.boolean().exactOptional().describe('leave phone numbers out until they are revealed'),
});

const group = z.string().min(1).describe('a group’s JID or subject');
const by = someone.exactOptional().describe('who does it; an admin when absent');

/** POST /groups/add, /groups/remove, /groups/promote, /groups/demote */
export const memberRequest = z.strictObject({ group, person: someone, by });

/** POST /groups/leave, /groups/reveal */
export const ownMemberRequest = z.strictObject({ group, person: someone });

/** POST /groups/rename */
export const renameRequest = z.strictObject({ group, subject: z.string().min(1), by });

/** How a message goes out. */
const how = {
  addressing: addressing.exactOptional(),
  offline: z.boolean().exactOptional().describe('keep it for the linked device’s next login'),
};
const lineId = z.string().min(1).describe('the id of a line');

/** POST /say */
export const sayRequest = z.strictObject({
  chat: z.string().min(1).describe('"self", a JID, a group’s subject or a person’s name'),
  of: someone.exactOptional().describe('whose chat it is; the owner’s when absent'),
  as: someone.exactOptional().describe('who speaks; whose chat it is when absent'),
  text: z.string().exactOptional().describe('what is said, when it is words'),
  media: z
    .strictObject({
      kind: z.enum(MEDIA_KINDS),
      data: z
        .base64()
        .describe('the bytes')
        .transform((data) => Buffer.from(data, 'base64')),
      mimeType: z.string().exactOptional(),
      fileName: z.string().exactOptional(),
      caption: z.string().exactOptional(),
      seconds: z.number().int().nonnegative().exactOptional(),
    })
    .exactOptional()
    .describe('a file'),
  contact: z.strictObject({ name: z.string().min(1), number: z.string().min(1) }).exactOptional(),
  location: z
    .strictObject({
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: z.string().exactOptional(),
      address: z.string().exactOptional(),
    })
    .exactOptional()
    .describe('a place, in degrees'),
  poll: z
    .strictObject({ question: z.string().min(1), options: z.array(z.string().min(1)).min(2) })
    .exactOptional(),
  quoted: z.string().exactOptional().describe('the id of the line that is answered'),
  mentions: z.array(someone).exactOptional().describe('who is mentioned, as @Name in the text'),
  wrap: z.enum(WRAPS).exactOptional().describe('into what the message is packed'),
  broadcast: z
    .string()
    .regex(/^\d+@broadcast$/)
    .exactOptional()
    .describe('the speaker’s broadcast list by which it comes'),
  onlyOnPhone: z.boolean().exactOptional().describe('linked devices are told only that it is there'),
  ...how,
});

/** POST /timer */
export const timerRequest = z.strictObject({
  chat: z.string().min(1).describe('as for /say'),
  seconds: z.number().int().nonnegative().describe('after which messages disappear; 0: they stay'),
  of: someone.exactOptional().describe('whose chat it is; the owner’s when absent'),
  as: someone.exactOptional().describe('who sets it; whose chat it is when absent'),
  ...how,
});

/** POST /past */
export const pastRequest = z.strictObject({
  chat: z.string().min(1).describe('as for /say'),
  of: someone.exactOptional().describe('whose chat it is; the owner’s when absent'),
  as: someone.exactOptional().describe('who spoke; whose chat it is when absent'),
  text: z.string().min(1).describe('what was said'),
  at: z.number().int().nonnegative().describe('when, in milliseconds since 1970'),
});

/** POST /edit */
export const editRequest = z.strictObject({ id: lineId, text: z.string().min(1), ...how });

/** POST /remove */
export const removeRequest = z.strictObject({
  id: lineId,
  by: someone.exactOptional().describe('an admin of the group; the author when absent'),
  ...how,
});

/** POST /react */
export const reactRequest = z.strictObject({
  id: lineId,
  emoji: z.string().describe('empty takes it back'),
  as: someone.exactOptional().describe('who reacts; the owner on the phone when absent'),
  ...how,
});

/** GET /chat; the values of a query string */
export const chatRequest = z.strictObject({
  chat: z.string().min(1).describe('as for /say'),
  as: someone.exactOptional().describe('on whose phone; the owner’s when absent'),
});

/** GET /wait; the values of a query string */
export const waitRequest = z.strictObject({
  chat: z.string().optional().describe('as for /say; any chat when absent'),
  contains: z.string().optional().describe('a part of the text'),
  byDevice: z.enum(['true', 'false']).optional().describe('sent by the linked device or not'),
  after: z.string().optional().describe('the id of a line: only later ones count'),
  timeoutMs: z.coerce.number().int().positive().max(600_000).default(10_000).describe('milliseconds'),
});

/** POST /faults/NAME: the body that each fault takes */
export const faultRequests = {
  dropConnections: z.strictObject({}),
  closeWith: z.strictObject({ code }),
  refuseLogins: z.strictObject({ code, times }),
  banAccount: z.strictObject({
    seconds: z.number().positive(),
    reason: z.int().optional().describe('101 to 106; 101 when absent'),
  }),
  refuseUpgrades: z.strictObject({ status: code.default(503), times }),
  goOffline: z.strictObject({}),
  comeBack: z.strictObject({}),
  breakCertificate: z.strictObject({ which: z.enum(['leaf', 'intermediate', 'none']).default('leaf') }),
  withholdAcks: z.strictObject({ count: times }),
  releaseAcks: z.strictObject({}),
  delayAcks: z.strictObject({ ms: z.number().int().nonnegative().describe('milliseconds'), count: times }),
  deafen: z.strictObject({
    wire: z.boolean().exactOptional().describe('do not even read'),
    next: z.number().int().positive().exactOptional().describe('so many new connections too'),
  }),
  restrictAccount: z.strictObject({
    enforced: z.boolean().default(true),
    seconds: z.number().positive().optional().describe('until it ends; no end is told, when absent'),
  }),
  rejectSends: z.strictObject({ code: code.default(463), times: z.number().int().positive().default(1) }),
  dropDuringBacklog: z.strictObject({ afterReceipts: z.number().int().positive() }),
  slowBacklog: z.strictObject({ pauseMs: z.number().int().nonnegative().describe('milliseconds') }),
  sendUndecodable: z.strictObject({ what: z.enum(['frame', 'stanza']).default('stanza') }),
  unlinkDevices: z.strictObject({}),
  garbleMessages: z.strictObject({ count: z.number().int().positive().default(1) }),
  hideGroups: z.strictObject({ times }),
  forgeAccountSignature: z.strictObject({ times: z.number().int().positive().default(1) }),
  loseSessions: z.strictObject({}),
  loseMedia: z.strictObject({}),
  refuseUploads: z.strictObject({ times: z.number().int().positive().default(1) }),
  truncateMedia: z.strictObject({ times: z.number().int().positive().default(1) }),
  slowMedia: z.strictObject({ bytesPerSecond: z.number().positive() }),
  clear: z.strictObject({}),
} as const;

export type FaultName = keyof typeof faultRequests;

/** Is it the name of a fault? */
export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultRequests, name);
}
