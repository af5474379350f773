/**
 * The page of limits: its words are written by hand, the second column of its tables is filled from
 * the code. A section belongs to the area that its heading names, a row to the constant or setting in
 * its first column.
 */
import { type Bound, formatBound } from './bounds.js';

const HEADING = /^#+ .*`core\/(\w+)`/;
const ROW = /^\| `(\w+)` \| ([^|]*) \|/;

/** A row of the page. */
interface Row {
  readonly area: string;
  readonly name: string;
}

/**
 * The page with the values of the code in its tables.
 * @throws Error naming a row that is no bound of the code, or more than one.
 */
export function fillLimits(page: string, bounds: readonly Bound[]): string {
  return mapRows(page, (row, line) =>
    line.replace(ROW, `| \`${row.name}\` | ${formatBound(boundOf(row, bounds))} |`),
  );
}

/** The bounds that the page must list and does not, as `area/NAME`. */
export function missingLimits(page: string, bounds: readonly Bound[]): readonly string[] {
  const listed = new Set<string>();
  mapRows(page, ({ area, name }, line) => {
    listed.add(`${area}/${name}`);
    return line;
  });
  return bounds
    .filter(({ isRequired }) => isRequired)
    .map(({ area, name }) => `${area}/${name}`)
    .filter((key) => !listed.has(key));
}

function mapRows(page: string, change: (row: Row, line: string) => string): string {
  let area = '';
  return page
    .split('\n')
    .map((line) => {
      if (line.startsWith('#')) area = HEADING.exec(line)?.[1] ?? '';
      const name = ROW.exec(line)?.[1];
      return name === undefined || area === '' ? line : change({ area, name }, line);
    })
    .join('\n');
}

function boundOf(row: Row, bounds: readonly Bound[]): Bound {
  const found = bounds.filter(({ area, name }) => area === row.area && name === row.name);
  const [first] = found;
  if (first === undefined) {
    throw new Error(`docs/limits.md lists ${row.name} of core/${row.area}, which the code has not`);
  }
  if (found.some(({ value }) => value !== first.value)) {
    throw new Error(`docs/limits.md: core/${row.area} has several ${row.name} with other values`);
  }
  return first;
}
