/**
 * What subcommands print: results on standard output (a table for people, JSON for programs),
 * everything else on standard error. Texts of tasks are stripped of control characters, so that
 * nothing a task is called can steer the terminal.
 */
import Table from 'cli-table3';

/** One column of a table: its heading and how a row fills it. */
export interface Column<Row> {
  readonly heading: string;
  readonly value: (row: Row) => string | number | undefined;
  readonly align?: 'left' | 'right';
}

/** Writes one line of a result. */
export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Writes one line that is not part of the result. */
export function printNotice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Writes a value as indented JSON; 64-bit integers become plain numbers. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === 'bigint' ? Number(member) : member),
    2,
  );
  printLine(text);
}

/** A table without borders, as `ps` prints it. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const table = new Table({
    head: columns.map((column) => column.heading),
    colAligns: columns.map((column) => column.align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: BORDERLESS,
  });
  for (const row of rows) table.push(columns.map((column) => printable(column.value(row) ?? '-')));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Prints rows as JSON or as a table, or says in words that there are none. */
export function printRows<Row>(
  rows: readonly Row[],
  options: {
    readonly json: boolean;
    readonly columns: readonly Column<Row>[];
    readonly none: string;
  },
): void {
  if (options.json) printJson(rows);
  else if (rows.length === 0) printNotice(options.none);
  else printLine(renderTable(options.columns, rows));
}

/** A text that is safe to print: control characters become spaces. */
export function printable(text: string | number): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

/** A span of time for people: `850ms`, `12.3s`, `4m 05s`, `3h 12m`, `5d 02h`. */
export function formatSpan(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  const pad = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ${pad((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86400)}d ${pad((seconds % 86400) / 3600)}h`;
}

/** An amount for people: at most three decimals, no trailing zeros. */
export function formatAmount(amount: number): string {
  return String(Math.round(amount * 1000) / 1000);
}

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};
