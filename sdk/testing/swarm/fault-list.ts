/** Plans of faults as people write and read them. */
import { readFileSync } from 'node:fs';
import { PlateauError, errorMessage, isRecord } from '../../../core/base/index.js';
import { formatAmount, formatSpan, renderTable } from '../../../core/command/index.js';
import {
  FAULT_KINDS,
  type Fault,
  type FaultPlan,
  isFaultKind,
} from '../../../core/simulation/index.js';

/**
 * Reads a plan: JSON, or the path of a file with it.
 * @throws PlateauError `INVALID_FLAG` naming the fault and the field.
 */
export function readFaults(text: string): FaultPlan {
  const json = text.trim().startsWith('[') ? text : readFile(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw invalid(`it is not JSON: ${errorMessage(error)}`);
  }
  if (!Array.isArray(value)) throw invalid('it is not a list of faults');
  return value.map((fault: unknown, index) => readFault(fault, index));
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`'${path}' is neither a list in JSON nor a file: ${errorMessage(error)}`);
  }
}

const FIELDS = ['atMs', 'kind', 'target', 'durationMs', 'amount', 'direction'];
const DIRECTIONS: readonly unknown[] = [undefined, 'both', 'from', 'to'];

function readFault(value: unknown, index: number): Fault {
  const where = `fault ${index + 1}`;
  if (!isRecord(value)) throw invalid(`${where} is no object`);
  const { atMs, kind, target, durationMs, amount, direction } = value;
  const unknown = Object.keys(value).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw invalid(`${where} has a field '${unknown}': there are ${FIELDS.join(', ')}`);
  if (typeof kind !== 'string' || !isFaultKind(kind)) {
    throw invalid(
      `${where}: kind is ${JSON.stringify(kind)}, there are ${Object.keys(FAULT_KINDS).join(', ')}`,
    );
  }
  if (typeof target !== 'string') throw invalid(`${where}: target must be the name of a node`);
  if (!isTime(atMs)) throw invalid(`${where}: atMs must be a number from 0`);
  if (durationMs !== undefined && !isTime(durationMs)) {
    throw invalid(`${where}: durationMs must be a number from 0`);
  }
  if (amount !== undefined && typeof amount !== 'number') {
    throw invalid(`${where}: amount must be a number`);
  }
  if (!DIRECTIONS.includes(direction)) {
    throw invalid(`${where}: direction must be both, from or to`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field above
  return value as unknown as Fault;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function invalid(problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `--faults: ${problem}`, {
    context: { flag: 'faults' },
  });
}

/** A plan as a table for people. */
export function renderFaults(plan: FaultPlan): string {
  return renderTable<Fault>(
    [
      { heading: 'AT', value: ({ atMs }) => formatSpan(atMs), align: 'right' },
      { heading: 'FAULT', value: ({ kind }) => kind },
      { heading: 'TARGET', value: ({ target }) => target },
      {
        heading: 'LASTS',
        value: ({ durationMs }) => (durationMs === undefined ? undefined : formatSpan(durationMs)),
        align: 'right',
      },
      {
        heading: 'AMOUNT',
        value: ({ amount }) => (amount === undefined ? undefined : formatAmount(amount)),
        align: 'right',
      },
      { heading: 'DIRECTION', value: ({ direction }) => direction },
    ],
    plan,
  );
}
