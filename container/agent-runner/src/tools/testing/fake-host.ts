import {
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { MailboxResult } from '../../../../../src/protocol/host-files.ts';
import { type Layout, layoutAt } from '../../../../../src/protocol/layout.ts';
import { MessageFile, TaskFile } from '../../../../../src/protocol/mailbox.ts';

/** What the host says to a file; undefined: nothing. */
export type HostAnswer = (file: TaskFile | MessageFile) => MailboxResult | undefined;

/** Stands in the host's place: takes each file as it comes to the mailbox, and answers it. */
export class FakeHost {
  readonly layout: Layout;
  readonly received: (TaskFile | MessageFile)[] = [];
  answer: HostAnswer = () => ({ ok: true });
  readonly #watchers: readonly FSWatcher[];

  /** @param root an empty directory */
  constructor(root: string) {
    this.layout = layoutAt(join(root, 'workspace'), join(root, 'home'));
    const { group, messages, tasks, files, results } = this.layout;
    for (const directory of [group, messages, tasks, files, results])
      mkdirSync(directory, { recursive: true });
    this.#watchers = [
      this.#serve(messages, (json) => MessageFile.parse(json)),
      this.#serve(tasks, (json) => TaskFile.parse(json)),
    ];
    onTestFinished(() => this.leave());
  }

  /** Looks at its mailbox no more. May be called again. */
  leave(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  /** Writes a snapshot as the host does. */
  shows(path: string, snapshot: unknown): void {
    writeFileSync(path, JSON.stringify(snapshot));
  }

  #serve(directory: string, parse: (json: unknown) => TaskFile | MessageFile): FSWatcher {
    return watch(directory, () => {
      for (const name of readdirSync(directory)) {
        if (!name.endsWith('.json') || name.startsWith('.')) continue;
        const path = join(directory, name);
        const file = parse(JSON.parse(readFileSync(path, 'utf8')));
        rmSync(path);
        this.#take(file);
      }
    });
  }

  #take(file: TaskFile | MessageFile): void {
    this.received.push(file);
    const result = this.answer(file);
    if (result === undefined || file.requestId === undefined) return;
    const path = join(this.layout.results, `${file.requestId}.json`);
    writeFileSync(`${path}.tmp`, JSON.stringify(MailboxResult.parse(result)));
    renameSync(`${path}.tmp`, path);
  }
}
