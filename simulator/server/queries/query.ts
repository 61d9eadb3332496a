import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../../accounts/companion.ts';
import type { Service } from '../service.ts';

/** Answers queries of one namespace; undefined when it does not know this one. */
export type QueryHandler = (
  service: Service,
  companion: Companion,
  query: BinaryNode,
) => BinaryNode | undefined | Promise<BinaryNode | undefined>;
