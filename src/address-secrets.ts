/** Shorter ones would take ordinary words out of a log. */
export const SHORTEST_SECRET = 6;

/** What stands before the @ of an address in a text. */
const USER = /(?<=:\/\/)[^\s/?#"'<>]*@/g;

/** A text in which no address names a user or a password. */
export function withoutUsers(text: string): string {
  return text.replace(USER, '[redacted]@');
}

/**
 * The secrets in an address: its password, else its user, which is then a token; as written, as meant,
 * percent-encoded, and as they go over the wire. A value that is no address has none.
 */
export function secretsInAddress(value: string): readonly string[] {
  const [, written] = /^[a-z][\w+.-]*:\/\/([^\s/?#]*)@/i.exec(value) ?? [];
  if (written === undefined) return [];
  const colon = written.indexOf(':');
  const secret = written.slice(colon + 1);
  const meant = decoded(secret);
  const onWire = colon < 0 ? `${meant}:` : `${decoded(written.slice(0, colon))}:${meant}`;
  return [
    ...[secret, meant, encodeURIComponent(meant)],
    ...(URL.canParse(value) ? [new URL(value).password] : []),
    `${written}@`,
    Buffer.from(onWire).toString('base64'),
  ].filter((each) => each.length >= SHORTEST_SECRET);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
