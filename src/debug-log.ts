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
const NUMBER = /(?<![\w.])\+?\d{7,20}/g;
/** Keys, secrets and references: long runs of hex or base64. */
const KEY = /(?=[a-z_/-]*[A-Z0-9+])[A-Za-z0-9+/_-]{24,}={0,2}/g;
/** Attributes that hold what people call themselves and their groups. */
const NAME = /\b(\w*name|notify|subject)='[^']*'/g;
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
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const stanza = name === 'xml' ? redactStanza(text) : text;
  return stanza.replace(KEY, '(key)').replace(NUMBER, '(number)');
}

function redactStanza(xml: string): string {
  const lengthOf = (_: string, indent: string, content: string): string =>
    `${indent}(${content.length} characters)`;
  return xml.replace(CONTENT, lengthOf).replace(NAME, "$1='…'");
}
