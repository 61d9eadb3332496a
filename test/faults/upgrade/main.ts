import process from 'node:process';
import { main } from './upgrade.ts';

await main(process.argv[2] ?? '{}');
