import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import type { SaidMedia } from '../messages/saying.ts';
import type { ChatLine, LineChange, Person } from '../simulator.ts';
import type { Screen } from './screen.ts';
import { colouredName, dim } from './style.ts';
import type { DemoChat, World } from './world.ts';

const HELP = `Write a message and press Enter; one that begins with @Andy calls the assistant. Try:
  @Andy help · @Andy remind me in 10 seconds to stretch · @Andy activate Family
/chats        all chats, with what is new      /chat NAME   open one
/as NAME      speak as another member          /file PATH   send a file (CAPTION may follow)
/react EMOJI  on what was said last            /quit        end (Ctrl-C does too)`;

const HELP_INDENT = 2;

/** The owner's phone in a terminal: one chat is open, the others make themselves heard. */
export class Phone {
  readonly #world: World;
  readonly #screen: Screen;
  readonly #unread = new Map<string, number>();
  readonly #typing = new Set<string>();
  #chat: DemoChat;
  #speaker: Person | undefined;

  constructor(world: World, screen: Screen) {
    this.#world = world;
    this.#screen = screen;
    this.#chat = world.chatOf(world.simulator.selfChat);
  }

  /** Shows chats and takes what is typed until the person quits. */
  async run(): Promise<void> {
    const { simulator, host } = this.#world;
    const endings = [
      simulator.on('line', (line) => this.#onLine(line)),
      simulator.on('change', (change) => this.#onChange(change)),
      simulator.on('typing', ({ chat, on }) => this.#onTyping(chat, on)),
    ];
    const onLeftAlone = (id: string): void => this.#onLeftAlone(id);
    host.on('leftAlone', onLeftAlone);
    this.#open(this.#chat);
    this.#screen.remark(`${HELP}\n `, HELP_INDENT);
    for await (const line of this.#screen.lines()) {
      if (line.trim() === '/quit') break;
      if (line.startsWith('/')) await this.#command(line);
      else if (line.trim() !== '') await this.#say(line);
      this.#showPrompt();
    }
    host.off('leftAlone', onLeftAlone);
    for (const end of endings) end();
  }

  /** What a beginning of a line may become. */
  complete(line: string): string[] {
    const names = [
      ...['/chats', '/quit', '/help', '/file ', '/react ', '@Andy '],
      ...this.#world.chats.map(({ name }) => `/chat ${name}`),
      ...this.#chat.members.map(({ name }) => `/as ${name}`),
    ];
    return names.filter((name) => name.toLowerCase().startsWith(line.toLowerCase()));
  }

  async #command(line: string): Promise<void> {
    const [command, ...rest] = line.trim().split(/\s+/);
    const argument = rest.join(' ');
    if (command === '/chats') this.#listChats();
    else if (command === '/chat') this.#switchTo(argument);
    else if (command === '/as') this.#speakAs(argument);
    else if (command === '/file') await this.#sendFile(rest[0] ?? '', rest.slice(1).join(' '));
    else if (command === '/react') await this.#react(argument);
    else this.#screen.remark(command === '/help' ? HELP : `There is no ${command}.\n${HELP}`, HELP_INDENT);
  }

  #listChats(): void {
    this.#world.chats.forEach((chat, index) => {
      const unread = this.#unread.get(chat.jid) ?? 0;
      const members =
        chat.members.length === 0
          ? 'your own chat'
          : `you, ${chat.members.map(({ name }) => name).join(', ')}`;
      this.#screen.remark(`${index + 1}  ${chat.name} (${members})${unread === 0 ? '' : ` · ${unread} new`}`);
    });
  }

  #switchTo(name: string): void {
    const chat = this.#world.findChat(name);
    if (chat === undefined) this.#screen.remark(`There is no chat ${name}. /chats shows all.`);
    else this.#open(chat);
  }

  #speakAs(name: string): void {
    const wanted = name.toLowerCase();
    const member = this.#chat.members.find((person) => person.name.toLowerCase() === wanted);
    if (member === undefined && wanted !== 'me' && wanted !== 'you') {
      const names = ['me', ...this.#chat.members.map((person) => person.name)].join(', ');
      this.#screen.remark(`Here you can speak as ${names}.`);
    } else this.#speaker = member;
  }

  #open(chat: DemoChat): void {
    this.#chat = chat;
    this.#speaker = undefined;
    this.#unread.delete(chat.jid);
    const remark =
      chat.members.length === 0
        ? 'your own chat'
        : `${chat.members.map(({ name }) => name).join(', ')} and you`;
    this.#screen.heading(chat.name, remark);
    for (const line of this.#world.simulator.chat(chat.jid)) this.#show(line);
    this.#showPrompt();
  }

  #say(text: string): Promise<void> {
    return this.#send(() => this.#world.simulator.say({ ...this.#here, text }));
  }

  #sendFile(path: string, caption: string): Promise<void> {
    return this.#send(async () => {
      const data = await readFile(path);
      const type = await fileTypeFromBuffer(data);
      const media = {
        data,
        fileName: basename(path),
        ...(caption !== '' && { caption }),
        ...kindOf(type?.mime),
      };
      await this.#world.simulator.say({ ...this.#here, media });
    });
  }

  #react(emoji: string): Promise<void> {
    const last = this.#world.simulator.chat(this.#chat.jid).at(-1);
    return this.#send(async () => {
      if (last === undefined) throw new Error('nothing was said here yet');
      const as = this.#speaker;
      await this.#world.simulator.react(last.id, emoji, as === undefined ? {} : { as });
    });
  }

  /** The chat that is open, and who speaks in it. */
  get #here(): { chat: string; as?: Person } {
    return { chat: this.#chat.jid, ...(this.#speaker !== undefined && { as: this.#speaker }) };
  }

  async #send(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#screen.remark(`Not sent: ${(error as Error).message}`);
    }
  }

  #onChange(change: LineChange): void {
    if (change.line.chat === this.#chat.jid) this.#screen.remark(this.#world.happened(change));
  }

  #onLine(line: ChatLine): void {
    if (line.chat === this.#chat.jid) {
      this.#show(line);
      return;
    }
    this.#unread.set(line.chat, (this.#unread.get(line.chat) ?? 0) + 1);
    const { name, text } = this.#world.spoken(line);
    const chat = this.#world.chatOf(line.chat).name;
    this.#screen.remark(`● ${chat} · ${name}: ${text.split('\n', 1)[0]}   (/chat ${chat})`);
  }

  #show(line: ChatLine): void {
    const { name, text, assistant } = this.#world.spoken(line);
    this.#screen.line({
      at: line.at,
      name,
      text,
      who: assistant ? 'assistant' : name === 'you' ? 'you' : 'other',
    });
  }

  #onLeftAlone(id: string): void {
    const mine = this.#world.simulator.chat(this.#chat.jid).some((line) => line.id === id);
    if (mine) this.#screen.remark('(left alone: nobody was called)');
  }

  #onTyping(chat: string, on: boolean): void {
    if (on) this.#typing.add(chat);
    else this.#typing.delete(chat);
    this.#showPrompt();
  }

  #showPrompt(): void {
    const typing = this.#typing.has(this.#chat.jid) ? `${dim('Andy is typing…')} ` : '';
    const speaker = this.#speaker === undefined ? 'you' : this.#speaker.name;
    const name = colouredName(speaker, this.#speaker === undefined ? 'you' : 'other');
    this.#screen.prompt(`  ${typing}${dim(this.#chat.name)} ${name} ${dim('▸')} `);
  }
}

/** What a phone sends a file of a type as. */
function kindOf(mimeType = 'text/plain'): Pick<SaidMedia, 'kind' | 'mimeType'> {
  const kinds = ['image', 'video', 'audio'] as const;
  const kind = kinds.find((each) => mimeType.startsWith(`${each}/`)) ?? 'document';
  return { kind, mimeType };
}
