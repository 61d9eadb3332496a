import { existsSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';
import { testProgram } from '../support/program.ts';
import { canMount, SmallDisk } from '../support/small-disk.ts';

const MEGABYTES = 32;
/** Longer than the pause after a failure of the host itself. */
const NOTHING_COMES_MS = 2_000;

/** Where a process can have no disk of its own nothing can be tried; where a sandbox is required that is no excuse. */
const cannot = process.env.TEST_SANDBOX !== 'required' && !canMount();

const nanoclaw = (command: string): readonly string[] => [process.execPath, testProgram('cli'), command];

/** Its lines as a terminal shows them: those of a log file may be lost. */
function listen(house: House): string[] {
  const lines: string[] = [];
  house.host.on('said', (line) => lines.push(line));
  return lines;
}

describe.skipIf(cannot)('a host with a full disk', () => {
  it('keeps everything waiting, reports it, and does all of it once there is room again, without a restart', {
    timeout: 120_000,
  }, async () => {
    const disk = await SmallDisk.mount(MEGABYTES);
    const house = await House.start({}, { disk, isLinked: false });
    const said = listen(house);
    const { selfChat } = house.simulator;
    const family = house.simulator.createGroup({ subject: 'Family', members: [] }).jid;
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    await house.say('@Andy remind me in 10 seconds to water the plants');
    await house.answer(/I will remind you/);
    await house.idle();
    const [task] = house.query<{ next_run: string }>('SELECT next_run FROM scheduled_tasks');
    const due = Date.parse(task?.next_run ?? '');
    // Written before, and handed over by a rename: that needs no room.
    const messages = house.path('data', 'ipc', 'main', 'messages');
    const text = (words: string) => JSON.stringify({ type: 'message', chatJid: selfChat, text: words });
    writeFileSync(`${messages}/.a.json`, text('from a file'));

    disk.fill();
    await house.say('@Andy echo from the owner');
    await house.say('@Andy echo from the family', family);
    renameSync(`${messages}/.a.json`, `${messages}/a.json`);
    await vi.waitFor(() => expect(said.join('\n')).toMatch(/the disk is full/));
    // What little room the host's own failures have left is used up, too.
    disk.fill();
    // The reminder becomes due meanwhile, and nothing comes of it.
    await setTimeout(Math.max(0, due - Date.now()) + NOTHING_COMES_MS);

    const env = { NANOCLAW_ROOT: disk.directory, AGENT_PROVIDER: 'offline' };
    const status = await disk.run(nanoclaw('status'), env);
    expect(status).toMatch(/Host +running, process \d+/);
    expect(status).toMatch(
      // The host may have given a page back meanwhile.
      /Disk +store\/, data\/, groups\/, logs\/: the disk is full \(\d+(\.\d)? k?B of 32 MB free\)/,
    );
    expect(status).toMatch(/Make room on it/);
    expect(status).toMatch(/the host goes on by itself/);
    const doctor = await disk.run(nanoclaw('doctor'), env);
    expect(doctor).toMatch(/✗ disk: store\/, data\/, groups\/, logs\/: the disk is full/);
    expect(house.said().join('\n')).not.toMatch(/from a file|from the owner|Reminder/);
    expect(said.filter((line) => /the disk is full/.test(line))).toHaveLength(1);

    disk.free();
    await vi.waitFor(() => {
      for (const words of ['from the owner', 'from a file', 'Reminder: water the plants'])
        expect(house.said()).toContain(words);
      expect(house.said(family)).toContain('from the family');
    });
    await vi.waitFor(() => expect(said.join('\n')).toMatch(/The disk takes files again/));
    await house.idle();
    await house.say('@Andy ping');
    await house.answer(/pong/);
    for (const words of ['from the owner', 'from a file', 'Reminder: water the plants', 'pong'])
      expect(house.said().filter((line) => line === words)).toHaveLength(1);
    expect(house.said(family)).toEqual(['from the family']);
    expect(said.filter((line) => /The disk takes files again/.test(line))).toHaveLength(1);
    // The log goes on in its file, and says what is missing there.
    expect(house.log().join('\n')).toMatch(/lines? (is|are) missing here[\s\S]*The disk takes files again/);
    expect(await disk.run(nanoclaw('status'), env)).not.toMatch(/Disk/);
    expect(existsSync(`${messages}/a.json`)).toBe(false);
  });

  it('does not start on a full or read-only disk and names the fix, while status still works', async () => {
    const disk = await SmallDisk.mount(MEGABYTES);
    const house = await House.start({}, { disk, isLinked: false });
    await house.end();
    const env = {
      NANOCLAW_ROOT: disk.directory,
      AGENT_PROVIDER: 'offline',
      WHATSAPP_URL: house.simulator.url,
      WHATSAPP_ROOT_KEY: house.simulator.rootKey,
    };
    const notStarted = /The host cannot start\. store\/, data\/, groups\/, logs\/: the disk is /;

    disk.fill();
    const full = await disk.run(nanoclaw('start'), env);
    expect(full).toMatch(notStarted);
    expect(full).toMatch(/the disk is full \(0 B of 32 MB free\)\. Make room on it/);
    const cannotRead = /The database cannot be read\. store\/.*: the disk is /;
    expect(await disk.run(nanoclaw('status'), env)).toMatch(cannotRead);
    // What it says goes to that very disk: lost, but nothing ends for it.
    const command = nanoclaw('status').join(' ');
    expect(await disk.run(['sh', '-c', `${command} 2> ${disk.directory}/said; echo $?`], env)).toBe('1\n');
    disk.free();

    await disk.remount('ro');
    const readOnly = await disk.run(nanoclaw('start'), env);
    expect(readOnly).toMatch(notStarted);
    expect(readOnly).toMatch(/the disk is read-only\. Make it writable: mount -o remount,rw/);
    expect(await disk.run(nanoclaw('status'), env)).toMatch(
      /not running[\s\S]*the disk is read-only[\s\S]*the next start goes on with it/,
    );
    expect(await disk.run(nanoclaw('doctor'), env)).toMatch(/✗ disk: .*the disk is read-only/);
    await disk.remount('rw');

    await house.begin();
    await house.say('@Andy ping');
    await house.answer(/pong/);
  });
});
