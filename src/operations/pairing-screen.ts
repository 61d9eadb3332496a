import { renderUnicodeCompact } from 'uqr';
import type { LineState } from '../channel/channel.ts';

type Unpaired = Extract<LineState, { status: 'unpaired' }>;

export interface PairingScreenOptions {
  readonly write: (text: string) => void;
  /** Codes replace each other in place; false: lines follow each other. */
  readonly isTerminal: boolean;
  /** Nothing but the text of each code, on a line of its own, for other programs. */
  readonly raw: boolean;
  /** How many lines the terminal shows; undefined: enough. */
  readonly rows?: number | undefined;
}

/** To the top left, and everything below it is gone; what has scrolled away stays. */
const CLEAR = '\u001b[H\u001b[J';
const BORDER = 2;

/** What a person sees who is to link this machine: one code at a time, until when it is good, and what to do with it. */
export class PairingScreen {
  readonly #options: PairingScreenOptions;
  #shown = 0;
  /** The last code is still to be seen and not known to be stale. */
  #isFresh = false;
  /** Why it could not connect, as it was shown last. */
  #cause: string | undefined;

  constructor(options: PairingScreenOptions) {
    this.#options = options;
  }

  /** Before the first code is there. */
  begin(): void {
    if (!this.#options.raw) this.#options.write('Connecting to WhatsApp…\n');
  }

  show(state: LineState): void {
    if (state.status === 'unpaired') this.#offer(state);
    else if (this.#isFresh) this.#withdraw(state);
    else if (state.status === 'connecting') this.#explain(state.reason);
  }

  /** Why there is no code yet; once for each reason, however often it is tried. */
  #explain(reason: string | undefined): void {
    const [cause] = (reason ?? '').split('; next try');
    if (this.#options.raw || reason === undefined || !reason.includes('; next try') || cause === this.#cause)
      return;
    this.#cause = cause;
    this.#options.write(`WhatsApp cannot be reached: ${cause}. Trying again…\n`);
  }

  #offer(state: Unpaired): void {
    const code = state.qr ?? state.pairingCode;
    if (code === undefined) return;
    if (this.#options.raw) {
      this.#options.write(`${code}\n`);
      return;
    }
    const stale = this.#isFresh && !this.#options.isTerminal ? [`Code ${this.#shown} is stale now.`, ''] : [];
    this.#shown += 1;
    this.#isFresh = true;
    const lines = state.qr === undefined ? codeLines(code) : this.#qrLines(state.qr);
    const until = state.validUntil === undefined ? '' : `, good until ${timeOfDay(state.validUntil)}`;
    this.#print([
      ...stale,
      '',
      ...lines,
      '',
      `Code ${this.#shown}${until}. A new one follows when it is stale.`,
      '',
    ]);
  }

  #qrLines(qr: string): readonly string[] {
    const picture = renderUnicodeCompact(qr, { border: BORDER }).split('\n');
    const how = 'Scan it with WhatsApp on your phone: Settings → Linked devices → Link a device.';
    const { rows } = this.#options;
    const needed = picture.length + 6;
    if (rows === undefined || rows >= needed) return [...picture, '', how];
    return [
      ...picture,
      '',
      how,
      `It does not fit: make this window ${needed} lines high, or link with a code:`,
      './nanoclaw pair --code PHONE',
    ];
  }

  /** What is to be seen is good for nothing any more: say so in its place. */
  #withdraw(state: LineState): void {
    this.#isFresh = false;
    if (this.#options.raw) return;
    const isPaired = state.status === 'open' || (state.status === 'connecting' && state.justPaired === true);
    this.#print([isPaired ? 'The phone has accepted the code.' : `Code ${this.#shown} is stale now.`]);
  }

  #print(lines: readonly string[]): void {
    this.#options.write(`${this.#options.isTerminal ? CLEAR : ''}${lines.join('\n')}\n`);
  }
}

function codeLines(code: string): readonly string[] {
  const spaced = [code.slice(0, 4), code.slice(4)].map((half) => [...half].join(' ')).join('  -  ');
  const line = '─'.repeat(spaced.length + 6);
  return [
    `  ┌${line}┐`,
    `  │   ${spaced}   │`,
    `  └${line}┘`,
    '',
    'On the phone: WhatsApp → Settings → Linked devices → Link a device →',
    'Link with phone number instead.',
    `Then type: ${code.slice(0, 4)}-${code.slice(4)}`,
  ];
}

/** On the clock of whoever looks. */
function timeOfDay(instant: number): string {
  return new Date(instant).toTimeString().slice(0, 8);
}
