/**
 * The one place where class-validator and class-transformer are called, with one set of settings: what is
 * not declared is refused, all problems are told at once, and each is named by its path.
 */
import { plainToInstance } from 'class-transformer';
import {
  type ValidationError,
  type ValidatorOptions,
  getMetadataStorage,
  validateSync,
} from 'class-validator';

/** A class whose fields carry the decorators of class-validator. */
export type Shape<T extends object = object> = new () => T;

export interface Problem {
  /** Such as `body.ports[0].name`. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

export type Checked<T> =
  | { readonly kind: 'good'; readonly value: T }
  | { readonly kind: 'bad'; readonly problems: readonly Problem[] };

const SETTINGS: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false },
};

/** What is not declared is left out. */
const LENIENT: ValidatorOptions = { ...SETTINGS, forbidNonWhitelisted: false };

/** More problems of one value than this are not listed. */
export const MAX_LISTED_PROBLEMS = 50;

/**
 * An instance of the shape made from plain data, if it fits.
 * @param path what the value is called in problems.
 * @param unknown what becomes of fields that the shape does not declare.
 */
export function checkShape<T extends object>(
  shape: Shape<T>,
  value: unknown,
  path = '',
  unknown: 'refuse' | 'ignore' = 'refuse',
): Checked<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'bad', problems: [{ path, message: 'must be an object' }] };
  }
  const instance = plainToInstance(shape, value, { exposeDefaultValues: true });
  const errors =
    fieldsOf(shape).length === 0
      ? undeclared(value)
      : validateSync(instance, unknown === 'refuse' ? SETTINGS : LENIENT);
  if (errors.length === 0) return { kind: 'good', value: instance };
  const problems = errors.flatMap((error) => problemsOf(error, path, fieldsOf(shape)));
  return { kind: 'bad', problems: problems.slice(0, MAX_LISTED_PROBLEMS) };
}

/** Names of the fields that a shape declares. */
export function fieldsOf(shape: Shape): readonly string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(shape, '', true, false);
  return [...new Set(metadata.map(({ propertyName }) => propertyName))];
}

/** A shape without fields, which class-validator does not know, takes none. */
function undeclared(value: object): ValidationError[] {
  return Object.keys(value).map((property) => ({
    property,
    constraints: { whitelistValidation: '' },
  }));
}

function problemsOf(
  error: ValidationError,
  parent: string,
  known: readonly string[],
): readonly Problem[] {
  const path = join(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([name, message]) => ({
    path,
    message: name === 'whitelistValidation' ? unknownMessage(known) : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => problemsOf(child, path, []))];
}

function join(parent: string, property: string): string {
  if (/^\d+$/.test(property)) return `${parent}[${property}]`;
  return parent === '' ? property : `${parent}.${property}`;
}

function unknownMessage(known: readonly string[]): string {
  return known.length === 0
    ? 'is not known here'
    : `is not known here; known are ${known.join(', ')}`;
}
