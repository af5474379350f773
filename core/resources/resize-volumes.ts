/**
 * Growing and shrinking persistent volumes: a volume takes in more of the disk that it is on, or gives
 * some back. The same volume afterwards, with its files; only its size differs. Whether the caller
 * has what it takes is not looked at here.
 */
import type { Resource } from '../api/index.js';
import {
  MAX_SCALAR,
  THOUSANDTHS,
  fromThousandths,
  scalarProblem,
  toThousandths,
} from './scalars.js';
import { Resources } from './resources.js';
import { validateResource } from './validate.js';
import { withoutVolumes } from './volumes.js';

/** What a resize turns into what, or why it is not valid. */
export type Resize =
  | { readonly problem: string }
  | {
      readonly problem: undefined;
      readonly from: readonly Resource[];
      readonly to: readonly Resource[];
    };

/**
 * What GROW_VOLUME makes of a volume and an addition: one larger volume. The addition is of the disk
 * that the volume is on, with the same reservations.
 */
export function growVolume(volume: Resource, addition: Resource): Resize {
  const problem = volumeProblem(volume) ?? additionProblem(volume, addition);
  if (problem !== undefined) return { problem };
  const size = thousandthsOf(volume) + thousandthsOf(addition);
  if (size > MAX_SCALAR * THOUSANDTHS) return { problem: 'the volume would be too large' };
  return { problem, from: [volume, addition], to: [ofSize(volume, size)] };
}

/**
 * What SHRINK_VOLUME makes of a volume: one smaller by `subtract` MiB, and the disk that becomes free,
 * with the reservations of the volume.
 */
export function shrinkVolume(volume: Resource, subtract: number): Resize {
  const problem = volumeProblem(volume) ?? subtractProblem(volume, subtract);
  if (problem !== undefined) return { problem };
  const less = toThousandths(subtract);
  const smaller = ofSize(volume, thousandthsOf(volume) - less);
  return { problem, from: [volume], to: [smaller, ...diskOf(ofSize(volume, less)).toWire()] };
}

function volumeProblem(volume: Resource): string | undefined {
  const problem = validateResource(volume);
  if (problem !== undefined) return `'volume' is not valid: ${problem}`;
  if (volume.disk?.persistence === undefined) return "'volume' is not a persistent volume";
  if (thousandthsOf(volume) === 0) return "'volume' is empty";
  if (volume.shared !== undefined) return "'volume' is shared, and those keep their size";
  if (volume.provider_id !== undefined) {
    return "'volume' is of a resource provider, and those keep their size";
  }
  const type = volume.disk.source?.type;
  if (type === undefined || type === 'PATH') return undefined;
  return `'volume' is on a disk of type ${type}, which is one volume as a whole`;
}

function additionProblem(volume: Resource, addition: Resource): string | undefined {
  const problem = validateResource(addition);
  if (problem !== undefined) return `'addition' is not valid: ${problem}`;
  const added = thousandthsOf(addition);
  if (added === 0) return "'addition' must be greater than zero";
  const needed = diskOf(ofSize(volume, added));
  if (needed.equals(bag(addition))) return undefined;
  return (
    `'addition' is ${bag(addition).toString()}; the volume can take in ` +
    `what is on its disk with its reservations alone, such as ${needed.toString()}`
  );
}

function subtractProblem(volume: Resource, subtract: number): string | undefined {
  const problem = scalarProblem(subtract);
  if (problem !== undefined) return `'subtract' ${problem}`;
  if (subtract === 0) return "'subtract' must be greater than zero";
  if (toThousandths(subtract) < thousandthsOf(volume)) return undefined;
  return "'subtract' must be less than the size of the volume; DESTROY removes all of it";
}

/** What a volume was made of, bound to no role: where it is bound the caller decides. */
function diskOf(volume: Resource): Resources {
  return withoutVolumes(bag(volume));
}

function bag(resource: Resource): Resources {
  return Resources.fromWire([resource]).unallocated();
}

function thousandthsOf({ scalar }: Resource): number {
  return toThousandths(scalar?.value ?? 0);
}

function ofSize(volume: Resource, thousandths: number): Resource {
  return { ...volume, scalar: { value: fromThousandths(thousandths) } };
}
