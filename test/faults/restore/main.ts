import process from 'node:process';
import { StepKiller } from '../../support/step-killer.ts';
import { restore } from './restore.ts';

/** What a child process is told, as JSON. */
export interface RestoreOrder {
  readonly root: string;
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Before which step to die; 0: not at all. */
  readonly at: number;
}

const { root, file, now, at } = JSON.parse(process.argv[2] ?? '{}') as RestoreOrder;
const killer = new StepKiller(at);
killer.from();
await restore(root, file, now);
process.stdout.write(JSON.stringify(killer.steps));
