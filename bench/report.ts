import { isOverLimit, type Row } from './bench.ts';
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

function rowLines(row: Row): string[] {
  const { label, value, unit, n, limit } = row;
  const shown = label.length > LABEL ? `${label.slice(0, LABEL - 1)}…` : label;
  const line = `  ${shown.padEnd(LABEL)} ${formatValue(value).padStart(VALUE)} ${unit.padEnd(UNIT)}${`n=${n}`.padStart(7)}`;
  if (limit === undefined) return [line];
  return [line, `    limit ${formatValue(limit)} ${unit}: ${isOverLimit(row) ? 'EXCEEDED' : 'kept'}`];
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
  return [
    ...title,
    ...problem,
    ...rows.flatMap(rowLines),
    ...notes.flatMap((note) => wrap(note, '  ')),
    '',
  ].join('\n');
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

/** What the exit code 1 means, a line for each cause; empty when everything was measured and no limit exceeded. */
export function complaints(results: readonly BenchResult[]): readonly string[] {
  return results.flatMap(({ name, outcome, reason, rows }) => [
    ...(outcome === 'measured'
      ? []
      : [`${name} was ${outcome === 'failed' ? 'not measured' : outcome}: ${reason}`]),
    ...rows
      .filter(isOverLimit)
      .map(
        ({ label, value, unit, limit = 0 }) =>
          `${name}: ${label} is ${formatValue(value)} ${unit}, over its limit of ${formatValue(limit)} ${unit}`,
      ),
  ]);
}
