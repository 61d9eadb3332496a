import type { BinaryNode } from '@whiskeysockets/baileys';
import { bytes, child, children, result } from '../../wire/nodes.ts';
import type { AppState } from '../app-state.ts';
import type { QueryHandler } from './query.ts';

/** What changed for every client, given back as patches. */
function collection(settings: AppState, asked: BinaryNode): BinaryNode {
  const name = asked.attrs.name ?? '';
  const version = Number(asked.attrs.version ?? 0);
  const uploads = children(asked, 'patch');
  for (const upload of uploads) settings.append(name, bytes(upload));
  const patches = uploads.length > 0 ? [] : settings.since(name, version);
  const content = patches.map((patch): BinaryNode => ({ tag: 'patch', attrs: {}, content: patch }));
  return {
    tag: 'collection',
    // A client numbers the patches on from this version.
    attrs: { name, version: version.toString(), has_more_patches: 'false' },
    content: [{ tag: 'patches', attrs: {}, content }],
  };
}

/** `w:sync:app:state`: the shared settings, one collection after the other. */
export const appState: QueryHandler = async (service, { owner }, query) => {
  const sync = child(query, 'sync');
  if (!sync) return undefined;
  const settings = await service.appState(owner);
  const content = children(sync, 'collection').map((asked) => collection(settings, asked));
  return result(query, [{ tag: 'sync', attrs: {}, content }]);
};
