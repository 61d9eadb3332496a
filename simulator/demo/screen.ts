import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { bold, clockTime, colouredName, dim, wrap } from './style.ts';

export interface ShownLine {
  readonly at: number;
  readonly name: string;
  readonly who: 'assistant' | 'you' | 'other';
  readonly text: string;
}

const NAME_WIDTH = 6;
const INDENT = 2 + 8 + 1 + NAME_WIDTH + 2;

/** A terminal in which lines appear above the one that is being typed. */
export class Screen {
  readonly #input: Interface;
  readonly #output: NodeJS.WriteStream;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream, complete: (line: string) => string[]) {
    this.#output = output;
    this.#input = createInterface({
      input,
      output,
      completer: (line: string) => [complete(line), line],
      historySize: 100,
    });
  }

  /** What the person types, a line at a time, until Ctrl-C or Ctrl-D. */
  async *lines(): AsyncGenerator<string> {
    this.#input.on('SIGINT', () => this.#input.close());
    for await (const line of this.#input) {
      this.#wipe(line);
      yield line;
    }
  }

  /** What stands before the line that is being typed. */
  prompt(text: string): void {
    this.#input.setPrompt(text);
    this.#input.prompt(true);
  }

  heading(title: string, remark: string): void {
    const line = `── ${title} `;
    const rest = Math.max(3, this.#width - line.length - remark.length - 4);
    this.#above(`\n${bold(line)}${dim(`${'─'.repeat(rest)} ${remark} ─`)}\n`);
  }

  line(line: ShownLine): void {
    const name = colouredName(line.name.padEnd(NAME_WIDTH), line.who);
    const [first = '', ...others] = wrap(line.text, this.#width - INDENT);
    const rest = others.map((text) => `\n${' '.repeat(INDENT)}${text}`).join('');
    this.#above(`  ${dim(clockTime(line.at))} ${name}  ${first}${rest}`);
  }

  /** A word from the demo itself, in line with what people say; `indent` is in columns. */
  remark(text: string, indent = INDENT): void {
    for (const line of wrap(text, this.#width - indent)) this.#above(`${' '.repeat(indent)}${dim(line)}`);
  }

  close(): void {
    this.#input.close();
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }

  get #width(): number {
    return Math.min(this.#output.columns || 80, 100);
  }

  /** Prints above the line that is being typed and leaves that as it was. */
  #above(text: string): void {
    const { rows } = this.#input.getCursorPos();
    moveCursor(this.#output, 0, -rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    this.#output.write(`${text}\n`);
    this.#input.prompt(true);
  }

  /** Takes a line that was sent off the screen: it comes back as the chat shows it. */
  #wipe(line: string): void {
    const length = stripVTControlCharacters(this.#input.getPrompt()).length + line.length;
    moveCursor(this.#output, 0, -(Math.floor(length / (this.#output.columns || 80)) + 1));
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }
}
