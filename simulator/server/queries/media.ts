import { MAX_UPLOAD_BYTES } from '../../media/media-server.ts';
import { child, result } from '../../wire/nodes.ts';
import type { QueryHandler } from './query.ts';

const TTL_SECONDS = 3600;

/** `w:m`: where files are uploaded to, and what to show there. */
export const media: QueryHandler = (service, _companion, query) => {
  if (!child(query, 'media_conn')) return undefined;
  const host = {
    tag: 'host',
    attrs: { hostname: service.media.host, maxContentLengthBytes: MAX_UPLOAD_BYTES.toString() },
  };
  const attrs = { auth: service.media.auth, ttl: TTL_SECONDS.toString(), auth_ttl: TTL_SECONDS.toString() };
  return result(query, [{ tag: 'media_conn', attrs, content: [host] }]);
};
