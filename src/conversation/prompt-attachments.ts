import { cutText } from '../protocol/graphemes.ts';
import { layoutAt } from '../protocol/layout.ts';
import type { PromptAttachment } from '../protocol/prompt.ts';
import type { StoredAttachment } from '../store/attachments.ts';

/** A claimed name is as long as its sender likes. */
const LONGEST_NAME = 200;

/** What the bytes of a kind may be; a file that is something else is shown as a document. */
const FAMILIES: Readonly<Partial<Record<string, RegExp>>> = {
  image: /^image\//,
  sticker: /^image\//,
  video: /^video\//,
  audio: /^(?:audio|video)\//,
  voice: /^(?:audio|video)\//,
};

/**
 * The files of messages as a prompt names them, by the messages' `seq`.
 * @param folder the group's: a file that lies in another one cannot be seen from its sandbox
 */
export function promptAttachments(
  rows: readonly StoredAttachment[],
  folder: string,
): ReadonlyMap<number, readonly PromptAttachment[]> {
  const found = new Map<number, PromptAttachment[]>();
  for (const row of rows) {
    const others = found.get(row.messageSeq) ?? [];
    others.push(promptAttachment(row, folder));
    found.set(row.messageSeq, others);
  }
  return found;
}

function promptAttachment(row: StoredAttachment, folder: string): PromptAttachment {
  const { kind, fileName, seconds, transcript } = row;
  const said = {
    name: fileName === null ? undefined : cutText(fileName, LONGEST_NAME),
    seconds: seconds ?? undefined,
    transcript: transcript ?? undefined,
  };
  const path = row.status === 'saved' ? pathOf(row.file, folder) : undefined;
  if (path === undefined) return { type: kind, ...said, error: whyNot(row) };
  const mime = row.mimeType ?? 'application/octet-stream';
  const type = FAMILIES[kind]?.test(mime) === false ? 'document' : kind;
  return { type, path, mime, size: row.bytes ?? undefined, ...said, error: row.error ?? undefined };
}

function pathOf(file: string | null, folder: string): string | undefined {
  const [place, name] = file?.split('/') ?? [];
  return place === folder && name !== undefined ? `${layoutAt().attachments}/${name}` : undefined;
}

function whyNot({ status, error }: StoredAttachment): string {
  if (status === 'waiting') return 'it is still being fetched';
  return error ?? 'it is not there any more';
}
