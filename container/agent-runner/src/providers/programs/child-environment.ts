import type { AgentTurn } from '../provider.ts';

/** What any program needs of its surroundings; nothing else is handed on, so that no key is by accident. */
const HANDED_ON = [
  'PATH',
  'TZ',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  // What Node compiled when the image was built: a third of Kimi's start.
  'NODE_COMPILE_CACHE',
  'PUPPETEER_EXECUTABLE_PATH',
  'AGENT_BROWSER_EXECUTABLE_PATH',
] as const;

/** The environment of an agent's program. @param own what only this program gets */
export function childEnvironment(
  { env, layout }: Pick<AgentTurn, 'env' | 'layout'>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const shared = HANDED_ON.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { HOME: layout.home, ...Object.fromEntries(shared), ...own };
}
