/** What of an event may stand in a log that its owner gives away. Every other field is named, and its value left out. */
const SHOWN: ReadonlySet<string> = new Set([
  'level',
  'time',
  'msg',
  'room',
  'component',
  'code',
  'reason',
  'reaction',
  'err',
  'error',
  'event',
  'status',
  'version',
  'refused',
  'next',
  'until',
  'xml',
]);

/** Phone numbers and LIDs, but no parts of versions. */
const NUMBER = /(?<![\d.])\+?\d{7,20}/g;
/** Keys, secrets and references: long runs of hex or base64. */
const KEY = /(?=[a-z_/-]*[A-Z0-9+])[A-Za-z0-9+/_-]{24,}={0,2}/g;
/** An attribute as Baileys writes it: a quote in its value is not escaped, so the value ends where another one begins. */
const ATTRIBUTE = /([\w:-]+)='(.*?)'(?= [\w:-]+='|\s*\/?>)/g;
/** Attributes that say how the protocol goes. Others may hold what people call themselves. */
const SHOWN_ATTRIBUTES: ReadonlySet<string> = new Set(
  'id from to type xmlns t class code reason stage jid lid participant recipient count offline error expire e v mode addressing_mode location props message_id category key-index action phash edit'.split(
    ' ',
  ),
);
/** What a stanza contains besides other stanzas, as Baileys writes it: a line without a tag. */
const CONTENT = /^(\s*)(?!<)(\S.*)$/gm;

/**
 * A line of the log (pino's JSON) without secrets, phone numbers and what people said: of stanzas their tags and
 * attributes are left, and the length of what they contain.
 */
export function redactLine(line: string): string {
  const fields: Record<string, unknown> = JSON.parse(line);
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    SHOWN.has(name) ? redact(name, value) : '…',
  ]);
  return JSON.stringify(Object.fromEntries(shown));
}

function redact(name: string, value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'string') return '…';
  const stanza = name === 'xml' ? redactStanza(value) : value;
  return stanza.replace(KEY, '(key)').replace(NUMBER, '(number)');
}

function redactStanza(xml: string): string {
  const lengthOf = (_: string, indent: string, content: string): string =>
    `${indent}(${content.length} characters)`;
  return xml
    .replace(CONTENT, lengthOf)
    .replace(ATTRIBUTE, (_, name: string, value: string) =>
      SHOWN_ATTRIBUTES.has(name) ? `${name}='${value}'` : `${name}='…'`,
    );
}
