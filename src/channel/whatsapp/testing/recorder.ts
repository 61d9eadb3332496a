import type {
  Account,
  ChannelListener,
  ChatInfo,
  InboundMessage,
  LineState,
  Member,
  MessageChange,
} from '../../channel.ts';

/** Long enough for a machine that does other things too. */
const WAIT_MS = 45_000;

/** A listener for tests: keeps everything it is told, and lets a test wait for what it has not been told yet. */
export class Recorder implements ChannelListener {
  readonly messages: InboundMessage[] = [];
  readonly changes: MessageChange[] = [];
  readonly members = new Map<string, readonly Member[]>();
  /** Each whole list of groups. */
  readonly groupLists: (readonly string[])[] = [];
  readonly samePersons: { from: string; to: string }[] = [];
  readonly restrictions: (string | undefined)[] = [];
  readonly chats: ChatInfo[] = [];
  readonly lines: LineState[] = [];
  readonly accounts: { account: Account; firstPairing: boolean }[] = [];
  /** Throws instead of taking the messages that it returns true for. */
  rejects: (message: InboundMessage) => boolean = () => false;
  /** Keeps messages back, as while the database is locked; each of `held` then tells of the commit. */
  holds = false;
  readonly held: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  onMessage(message: InboundMessage, later?: () => void): boolean {
    if (this.rejects(message)) throw new Error('the test does not take this message');
    this.messages.push(message);
    if (this.holds) this.held.push(() => later?.());
    this.#news();
    return !this.holds;
  }

  onChange(change: MessageChange): boolean {
    this.changes.push(change);
    this.#news();
    return true;
  }

  onMembers(chatJid: string, members: readonly Member[]): void {
    this.members.set(chatJid, members);
    this.#news();
  }

  onAllGroups(chatJids: readonly string[]): void {
    this.groupLists.push(chatJids);
    this.#news();
  }

  onSamePerson(from: string, to: string): boolean {
    this.samePersons.push({ from, to });
    this.#news();
    return true;
  }

  onRestriction(reason: string | undefined): void {
    this.restrictions.push(reason);
    this.#news();
  }

  onChat(chat: ChatInfo): void {
    this.chats.push(chat);
    this.#news();
  }

  onLine(state: LineState): void {
    this.lines.push(state);
    this.#news();
  }

  onAccount(account: Account, firstPairing: boolean): boolean {
    this.accounts.push({ account, firstPairing });
    this.#news();
    return true;
  }

  together(tell: () => void): void {
    tell();
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  message(text: string): Promise<InboundMessage> {
    return this.until(() => this.messages.find((message) => message.text === text), `the message "${text}"`);
  }

  /** The next state, from the `since`-th on, with this status. */
  line<S extends LineState['status']>(status: S, since = 0): Promise<Extract<LineState, { status: S }>> {
    const wanted = (state: LineState): state is Extract<LineState, { status: S }> => state.status === status;
    return this.until(() => this.lines.slice(since).find(wanted), `the line to be ${status}`);
  }

  qr(since = 0): Promise<string> {
    return this.until(() => {
      const state = this.lines.slice(since).find((each) => each.status === 'unpaired');
      return state?.status === 'unpaired' ? state.qr : undefined;
    }, 'a QR');
  }

  /** Looks again at each news until there is something. */
  until<T>(look: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(again);
        reject(new Error(`waited ${WAIT_MS} ms for ${what}; the line went ${JSON.stringify(this.lines)}`));
      }, WAIT_MS);
      const again = (): void => {
        const found = look();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(again);
        resolve(found);
      };
      this.#waiting.add(again);
      again();
    });
  }

  #news(): void {
    for (const again of [...this.#waiting]) again();
  }
}
