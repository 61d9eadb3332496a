import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What of the foreign server the test uses. */
export interface ForeignServer {
  close(): Promise<void>;
  readonly manifest: {
    readonly adminToken: string;
    readonly endpoints: { readonly adminInboundUrl: string; readonly baileysWebSocketUrl: string };
  };
}

interface Crabline {
  startWhatsAppServer(options: {
    host: string;
    port: number;
    selfJid: string;
    /** JSON lines of what was said over the wire. */
    recorderPath: string;
  }): Promise<ForeignServer>;
}

const PACKAGE = new URL('./node_modules/@openclaw/crabline/', import.meta.url);

/** `npm run foreign-server` installs it, below this directory; it is no dependency of the project. */
export function isInstalled(): boolean {
  return existsSync(fileURLToPath(PACKAGE));
}

/** @throws Error when it is not installed */
export async function loadCrabline(): Promise<Crabline> {
  if (!isInstalled()) throw new Error('The foreign server is not installed. Run: npm run foreign-server');
  const { exports } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as {
    exports: { '.': { import: string } };
  };
  return (await import(new URL(exports['.'].import, PACKAGE).href)) as Crabline;
}
