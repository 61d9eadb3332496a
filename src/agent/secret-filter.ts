import { SHORTEST_SECRET, secretsInAddress } from '../address-secrets.ts';

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i;
const REPLACEMENT = '[redacted]';

/** The values of an environment that no log may hold, longest first. */
export function secretsIn(env: Readonly<Record<string, string>>): string[] {
  const secrets = Object.entries(env).flatMap(([name, value]) => [
    ...(SECRET_NAME.test(name) ? [value] : []),
    ...secretsInAddress(value),
  ]);
  return [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
}

/**
 * Takes secrets out of a text that comes in pieces. What may be the beginning of a secret is held back until the next
 * piece, or the end, decides.
 */
export class SecretFilter {
  readonly #secrets: readonly string[];
  #held = '';

  /** @param secrets longest first, as secretsIn gives them */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  push(piece: string): string {
    if (this.#secrets.length === 0) return piece;
    const text = this.#held + piece;
    this.#held = '';
    let clean = '';
    for (let at = 0; at < text.length; ) {
      // Longest first: one that may still come counts before a shorter one that is there.
      const secret = this.#secrets.find((candidate) => isAt(candidate, text, at));
      if (secret === undefined) {
        clean += text[at];
        at += 1;
      } else if (text.length - at < secret.length) {
        this.#held = text.slice(at);
        break;
      } else {
        clean += REPLACEMENT;
        at += secret.length;
      }
    }
    return clean;
  }

  end(): string {
    const rest = this.#held;
    this.#held = '';
    return withoutSecrets(rest, this.#secrets);
  }
}

/** Whether a secret stands at a place of a text, as far as the text goes. */
function isAt(secret: string, text: string, at: number): boolean {
  const rest = text.length - at;
  return rest >= secret.length ? text.startsWith(secret, at) : secret.startsWith(text.slice(at));
}

/** Takes secrets out of a whole text. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, REPLACEMENT), text);
}
