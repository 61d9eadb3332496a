import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { look } from '../support/isolation.ts';

// A plain process keeps nothing from the agent, and the name of the tests' sandbox says so.
it.skipIf(process.env.NANOCLAW_TESTED_SANDBOX?.startsWith('plain'))(
  'an agent in the sandbox has no rights, no network and no view of the account, of keys or of other chats',
  async () => {
    const { found, agent } = await look(
      {},
      {
        uid: 'process.getuid()',
        capabilities: "fs.readFileSync('/proc/self/status', 'utf8').match(/CapEff:\\s*(\\w+)/)[1]",
        workspace: "fs.readdirSync('/workspace').sort()",
        account: "fs.existsSync('/workspace/project') || fs.existsSync(process.env.ROOT + '/store')",
        otherChat: "fs.readdirSync('/workspace/ipc').includes('friends')",
        planted: "fs.symlinkSync('/etc/passwd', '/workspace/ipc/current_tasks.json')",
        mount: "execFileSync('mount', ['-t', 'tmpfs', 'x', '/tmp'], { stdio: 'pipe' })",
        network: 'await fetch("http://127.0.0.1:1/").then(() => "reached", (error) => error.cause.code)',
      },
      {},
      {},
      async ({ paths }) => {
        mkdirSync(paths.store, { recursive: true });
        writeFileSync(paths.whatsappDatabase, 'the account');
      },
    );
    expect(agent.runtime.kind).toBe('bubblewrap');
    expect(found).toMatchObject({
      uid: 1000,
      capabilities: '0000000000000000',
      account: false,
      otherChat: false,
    });
    expect(found.workspace).not.toContain('project');
    expect(found.planted).toMatch(/EROFS|EEXIST|EACCES/);
    expect(found.mount).toMatch(/permission denied|must be superuser/i);
    expect(found.network).not.toBe('reached');
  },
);
