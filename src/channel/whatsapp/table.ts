/** A phone shows about this many characters of fixed width in a line. */
const PHONE_WIDTH = 32;

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * A table as a phone can show it: in columns of fixed width if it is narrow enough, else a line a row.
 * @param plain its cells without any mark
 * @param marked its cells in WhatsApp's marks
 */
export function formatTable(plain: Table, marked: Table): string {
  const all = [plain.header, ...plain.rows];
  const widths = plain.header.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column] ?? ''))));
  const width = widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1);
  const hasMarks = all.some((row) => row.some((cell) => cell.includes('`')));
  if (width <= PHONE_WIDTH && !hasMarks) return inColumns(plain, widths);
  return asLines(marked);
}

/** A table as a line a row; one without rows as its header. */
export function asLines({ header, rows }: Table): string {
  if (rows.length === 0) return asLine([], header);
  return rows.map((row) => asLine(header, row)).join('\n');
}

function inColumns({ header, rows }: Table, widths: readonly number[]): string {
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => (row[column] ?? '') + ' '.repeat(width - lengthOf(row[column] ?? '')))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return ['```', line(header), rule, ...rows.map(line), '```'].join('\n');
}

/**
 * `• First cell – Header: second cell; Header: third cell`; the first header only where it holds an address.
 */
function asLine(header: readonly string[], [cell = '', ...others]: readonly string[]): string {
  const first = header[0]?.includes('://') ? `${header[0]}: ${cell}` : cell;
  const told = others
    .map((cell, index) => [header[index + 1] ?? '', cell])
    .filter(([, cell]) => cell !== '')
    .map(([name, cell]) => (name === '' ? cell : `${name}: ${cell}`));
  return `• ${[first, told.join('; ')].filter((part) => part !== '').join(' – ')}`;
}

/** In characters as people see them; wide ones count as one. */
function lengthOf(text: string): number {
  return [...text].length;
}
