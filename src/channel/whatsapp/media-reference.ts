import { z } from 'zod';

/** Bytes, written as base64. */
const Bytes = z.codec(
  z.base64(),
  z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  {
    decode: (text) => new Uint8Array(Buffer.from(text, 'base64')),
    encode: (bytes) => Buffer.from(bytes).toString('base64'),
  },
);

const Reference = z.object({
  /** Which of WhatsApp's kinds of media: it decides how the key is derived. */
  type: z.enum(['image', 'video', 'audio', 'document', 'sticker']),
  directPath: z.string().optional(),
  url: z.string().optional(),
  mediaKey: Bytes,
  /** Of the file itself. */
  fileSha256: Bytes.optional(),
  /** Of what lies on the server. */
  fileEncSha256: Bytes.optional(),
  /** Claimed, in bytes. */
  fileLength: z.number().int().nonnegative().optional(),
  mimetype: z.string().optional(),
  /** The message, to ask its author for the file again. */
  key: z.object({
    remoteJid: z.string(),
    id: z.string(),
    participant: z.string().optional(),
    fromMe: z.boolean(),
  }),
});

/** What is needed to fetch a file that came with a message, also after a restart. */
export type MediaReference = z.infer<typeof Reference>;
export type MediaType = MediaReference['type'];

export function encodeMediaReference(reference: MediaReference): string {
  return JSON.stringify(z.encode(Reference, reference));
}

/** @returns undefined for what `encodeMediaReference` did not write */
export function decodeMediaReference(text: string): MediaReference | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Reference.safeParse(value).data;
}
