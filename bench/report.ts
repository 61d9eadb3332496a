import type { Row } from './bench.ts';
import type { Machine } from './machine.ts';
import type { BenchResult } from './run-bench.ts';

/** How results are printed. */

const WIDTH = 100;
const LABEL = 66;
const VALUE = 11;
const UNIT = 10;

/** Three significant digits, or all digits before the point. */
export function formatValue(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

function rowLine({ label, value, unit, n }: Row): string {
  const shown = label.length > LABEL ? `${label.slice(0, LABEL - 1)}…` : label;
  return `  ${shown.padEnd(LABEL)} ${formatValue(value).padStart(VALUE)} ${unit.padEnd(UNIT)}${`n=${n}`.padStart(7)}`;
}

/** Breaks a text at spaces. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > WIDTH && line.trim() !== '') {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** A bench's table: at most 100 columns wide. */
export function formatResult(result: BenchResult): string {
  const { name, shows, outcome, reason, rows, notes, seconds } = result;
  const title = wrap(`${name}: ${shows} (${seconds.toFixed(0)} s)`, '');
  const problem = outcome === 'measured' ? [] : wrap(`${outcome}: ${reason ?? 'no reason given'}`, '  ');
  return [...title, ...problem, ...rows.map(rowLine), ...notes.flatMap((note) => wrap(note, '  ')), ''].join(
    '\n',
  );
}

export function formatMachine({
  node,
  system,
  cpus,
  cpuModel,
  loadBefore,
  directory,
  fileSystem,
}: Machine): string {
  return [
    ...wrap(`Node ${node}, ${system}, ${cpus} × ${cpuModel}, ${fileSystem} at ${directory}`, ''),
    `Load of the last minute before the start: ${loadBefore.toFixed(2)}`,
    '',
  ].join('\n');
}

/** What the exit code 1 means, in one line for each bench; empty when everything was measured. */
export function complaints(results: readonly BenchResult[]): readonly string[] {
  return results
    .filter(({ outcome }) => outcome !== 'measured')
    .map(
      ({ name, outcome, reason }) =>
        `${name} was ${outcome === 'failed' ? 'not measured' : outcome}: ${reason}`,
    );
}
