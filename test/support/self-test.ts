import process from 'node:process';
import { installId } from '../../src/agent/install.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import { testRuntime } from '../../src/agent/runtime/self-test.ts';
import { pathsAt } from '../../src/paths.ts';
import { silentLog } from './silent-log.ts';

/** Tests a runtime as whoever runs this, and writes the findings to stdout as JSON. */
const [root = '', packageRoot = '', kind = ''] = process.argv.slice(2);
const requested = (['docker', 'podman', 'bubblewrap'] as const).find((name) => name === kind);
if (requested === undefined) throw new Error(`no runtime: ${kind}`);
const paths = pathsAt(root, root);
const install = await installId(root);
const runtime = await chooseRuntime({
  requested,
  provider: 'offline',
  image: process.env.CONTAINER_IMAGE ?? 'none',
  installId: install,
  paths,
  packageRoot,
  log: silentLog,
  environment: process.env,
});
const hostUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const findings = await testRuntime({ runtime, paths, installId: install, hostUser, log: silentLog });
process.stdout.write(`${JSON.stringify({ description: runtime.description, findings })}\n`);
