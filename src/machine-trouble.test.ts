import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { CredentialsDatabaseError } from './channel/whatsapp/errors.ts';
import { cureOfDisk } from './machine-trouble.ts';

const sqlite = (code: string): Error => new BetterSqlite3.SqliteError('disk I/O error', code);

it.each(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_IOERR_WRITE'])(
  'a healthy account is not to be moved away because of its disk: %s',
  (code) => {
    expect(new CredentialsDatabaseError('store/whatsapp.db', sqlite(code)).message).toMatch(/make room/);
    expect(new CredentialsDatabaseError('store/whatsapp.db', sqlite(code)).message).not.toMatch(/away/);
  },
);

it.each(['SQLITE_IOERR_SHORT_READ', 'SQLITE_CORRUPT', 'SQLITE_NOTADB'])(
  'the disk is not blamed for a damaged file: %s',
  (code) => {
    expect(cureOfDisk(sqlite(code))).toBeUndefined();
  },
);
