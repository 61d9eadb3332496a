import { z } from 'zod';

const addressing = z.enum(['pn', 'lid']).describe('how the chat is named on the wire: phone number or LID');
const someone = z.string().min(1).describe('a JID in either form, or the name of somebody added before');
const times = z.number().int().positive().optional().describe('how often; always, when absent');
const code = z.number().int().min(100).max(999);

/** POST /scan */
export const scanRequest = z.strictObject({ qr: z.string().min(1).describe('the text of the QR code') });

/** POST /people */
export const personRequest = z.strictObject({
  name: z.string().min(1).describe('the push name'),
  number: z.string().optional().describe('7 to 15 digits with the country code; made up when absent'),
});

/** POST /groups */
export const groupRequest = z.strictObject({
  subject: z.string().min(1).describe('what the group is called'),
  members: z.array(someone).describe('everybody but the owner, who is always in it'),
  addressing: addressing.optional(),
});

/** POST /say */
export const sayRequest = z.strictObject({
  chat: z.string().min(1).describe('"self", a JID, a group’s subject or a person’s name'),
  as: someone.optional().describe('who speaks; the owner on the phone when absent'),
  text: z.string().describe('what is said'),
  quoted: z.string().optional().describe('the id of the line that is answered'),
  addressing: addressing.optional(),
  offline: z.boolean().optional().describe('keep it for the linked device’s next login'),
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
  refuseUpgrades: z.strictObject({ status: code.default(503), times }),
  goOffline: z.strictObject({}),
  comeBack: z.strictObject({}),
  breakCertificate: z.strictObject({ which: z.enum(['leaf', 'intermediate', 'none']).default('leaf') }),
  withholdAcks: z.strictObject({ count: times }),
  releaseAcks: z.strictObject({}),
  rejectSends: z.strictObject({ code: code.default(463), times: z.number().int().positive().default(1) }),
  dropDuringBacklog: z.strictObject({ afterReceipts: z.number().int().positive() }),
  unlinkDevices: z.strictObject({}),
  garbleMessages: z.strictObject({ count: z.number().int().positive().default(1) }),
  forgeAccountSignature: z.strictObject({ times: z.number().int().positive().default(1) }),
  loseSessions: z.strictObject({}),
  clear: z.strictObject({}),
} as const;

export type FaultName = keyof typeof faultRequests;

/** Is it the name of a fault? */
export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultRequests, name);
}
