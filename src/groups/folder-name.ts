import { isFolderName, RESERVED_FOLDERS } from '../protocol/layout.ts';

/** The main channel's folder. */
export const MAIN_FOLDER = 'main';

/** A folder name that could leave its parent or clash with the system's own names. */
export class FolderNameError extends Error {
  override readonly name = 'FolderNameError';

  constructor(folder: string) {
    super(
      `${JSON.stringify(folder)} cannot be a group's folder. Use 1 to 64 letters, digits, - and _, beginning with a letter or digit, and none of ${RESERVED_FOLDERS.join(', ')}.`,
    );
  }
}

/** @returns the name itself. @throws FolderNameError when it is not safe */
export function checkFolderName(folder: string): string {
  if (!isFolderName(folder)) throw new FolderNameError(folder);
  return folder;
}
