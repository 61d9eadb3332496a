import type { ReachoutTimelockState } from '@whiskeysockets/baileys';

/** What WhatsApp does not let the account do, for the owner; undefined: it lets it do everything. */
export function restrictionIn({ isActive, timeEnforcementEnds }: ReachoutTimelockState): string | undefined {
  if (!isActive) return undefined;
  const until = timeEnforcementEnds === undefined ? '' : ` until ${timeEnforcementEnds.toISOString()}`;
  return `WhatsApp does not let this account begin chats with people it has not talked to${until}`;
}

/** Reports restrictions in the order in which they are true: an answer knows nothing of what came after its question. */
export class RestrictionReports {
  readonly #report: (reason: string | undefined) => void;
  #refusals = 0;
  /** How many refusals there were when the question was asked that is not answered yet. */
  #askedAt: number | undefined;

  constructor(report: (reason: string | undefined) => void) {
    this.#report = report;
  }

  /** A message was refused because of a restriction. */
  refused(reason: string): void {
    this.#refusals += 1;
    this.#report(reason);
  }

  /** WhatsApp answers, or tells by itself. */
  told(state: ReachoutTimelockState): void {
    const reason = restrictionIn(state);
    const isLate = this.#askedAt !== undefined && this.#askedAt < this.#refusals;
    if (reason !== undefined || !isLate) this.#report(reason);
  }

  /**
   * Asks, and asks again when a message was refused meanwhile.
   * @param query its answer comes by `told`
   * @throws what `query` rejects with
   */
  async ask(query: () => Promise<unknown>): Promise<void> {
    for (let asked = -1; asked < this.#refusals; ) {
      asked = this.#refusals;
      this.#askedAt = asked;
      try {
        await query();
      } finally {
        this.#askedAt = undefined;
      }
    }
  }
}
