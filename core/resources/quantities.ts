/** Bare amounts by name, without reservations: what limits and minima are stated in. */
import { PlateauError, errorMessage } from '../base/index.js';
import { toThousandths } from './scalars.js';

/** Integer thousandths by resource name. */
export type Quantities = ReadonlyMap<string, number>;

/**
 * Reads alternatives of amounts, as in `--min_allocatable_resources`: `cpus:0.01|mem:32` means 0.01
 * cpus or 32 MiB; `cpus:1;mem:64` means both together. Empty text: no alternative.
 * @throws PlateauError `INVALID_FLAG` naming the part that is wrong.
 */
export function parseQuantities(text: string): Quantities[] {
  return text
    .split('|')
    .map((alternative) => alternative.trim())
    .filter((alternative) => alternative !== '')
    .map(parseAlternative);
}

/** Whether there is at least as much of each name. */
export function quantitiesContain(one: Quantities, wanted: Quantities): boolean {
  for (const [name, amount] of wanted) {
    if ((one.get(name) ?? 0) < amount) return false;
  }
  return true;
}

function parseAlternative(alternative: string): Quantities {
  const amounts = new Map<string, number>();
  for (const part of alternative.split(';').map((text) => text.trim())) {
    if (part === '') continue;
    const [, name, number] = /^([^:()[\]{}]+?)\s*:\s*(\S+)$/.exec(part) ?? [];
    if (name === undefined || number === undefined || Number.isNaN(Number(number)))
      throw invalid(part, 'expected name:number');
    amounts.set(name, (amounts.get(name) ?? 0) + amountOf(part, number));
  }
  return amounts;
}

function amountOf(part: string, number: string): number {
  try {
    return toThousandths(Number(number));
  } catch (error) {
    throw invalid(part, errorMessage(error));
  }
}

function invalid(part: string, problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `quantities: '${part}': ${problem}`);
}
