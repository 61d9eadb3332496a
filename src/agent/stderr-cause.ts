/** What follows an error and is not its cause: a stack, an error's fields, the program's version, a hint. */
const AFTERMATH = /^(?:\s.*|[}\])];?|Node\.js v\d.*|note: .*|)$/;
const ERROR = /^(?:Uncaught )?[\w.$]*(?:Error|Exception)\b/;
/** A message may have some lines itself. */
const MAX_MESSAGE_LINES = 20;

/** The line that names the cause: the last one, or the error before a stack. */
export function causeIn(stderr: string): string {
  const lines = stderr.trimEnd().split('\n');
  const at = lines.findLastIndex((line) => !AFTERMATH.test(line));
  if (at === -1 || at === lines.length - 1) return lines.at(-1)?.trim() ?? '';
  const message = lines.slice(Math.max(0, at - MAX_MESSAGE_LINES), at + 1);
  return message.findLast((line) => ERROR.test(line)) ?? lines[at] ?? '';
}
