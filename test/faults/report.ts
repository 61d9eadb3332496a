import type { Violation } from './checker.ts';
import type { RoundResult } from './rounds.ts';
import type { Totals } from './totals.ts';

export function formatRound({ round, kills, violations, durationMs }: RoundResult): string {
  const at = kills.map(({ stratum, hit }) => (hit ? stratum : `${stratum} (not reached)`)).join(', then ');
  const end = violations.length === 0 ? 'ok' : `${violations.length} violations`;
  return `round ${round}: killed: ${at}; ${(durationMs / 1000).toFixed(1)} s; ${end}`;
}

export function formatViolation({ round, breach, detail }: Violation): string {
  return `VIOLATION in round ${round}: ${breach}: ${detail}`;
}

export function formatTotals(totals: Totals, seed: number): string {
  const { figures, kills, rounds, minutelySlots, violations, medianRoundMs } = totals;
  const shares = totals.shares
    .map(({ stratum, kills: aimed, hits }) => `  ${hits} of ${aimed}  ${stratum}`)
    .sort((one, other) => one.slice(one.indexOf('  ', 2)).localeCompare(other.slice(other.indexOf('  ', 2))));
  const found = Object.entries(totals.found).map(([kind, count]) => `  ${count}  ${kind}`);
  return [
    'Kills by stratum, hits of tries:',
    ...shares,
    `Of ${kills} kills so many found work of a kind under way:`,
    ...found,
    `Seed ${seed}: ${rounds} rounds, ${kills} kills, median ${(medianRoundMs / 1000).toFixed(1)} s a round. ` +
      `${figures.messages} messages: ${figures.answered} answered, ${figures.closedWithNotice} closed with a notice. ` +
      `${figures.files} files: ${figures.filesWithEffect} with an effect, ${figures.filesInQuarantine} in quarantine, ${figures.filesPending} pending. ` +
      `${figures.slots} slots of one-time tasks, ${figures.slotRunsAgain} runs of them without effect; ${minutelySlots} of tasks that are due each minute. ` +
      `${figures.sent} messages sent, ${figures.resends} times again under the same id (phones asked for ${figures.askedAgain}). ` +
      `${violations.length} violations.`,
  ].join('\n');
}
