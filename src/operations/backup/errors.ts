/** A backup cannot be made or restored; the text names the cure. What was there is as it was. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}
