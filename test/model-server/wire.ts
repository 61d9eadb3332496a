import type { IncomingHttpHeaders } from 'node:http';

/** The secret of `authorization: Bearer`. */
export function bearerKey({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.*)$/i.exec(authorization ?? '')?.[1];
}
