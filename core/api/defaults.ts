/**
 * Declared defaults of fields. The reader leaves unset fields absent; whoever needs a value asks
 * here, so that no default is spelled twice.
 */
import { PlateauError } from '../base/index.js';
import type { MessageName } from './schema/lookup.js';
import { fieldRow } from './schema/lookup.js';
import type { Messages } from './messages.js';
import type { FieldRow } from './schema/rows.js';

/** The default that the schema declares for a field, in the form of the message types, if any. */
export function declaredDefault(row: FieldRow): string | number | bigint | boolean | undefined {
  const text = row.default;
  if (text === undefined || row.kind === 'enum' || row.type === 'string') return text;
  if (row.type === 'bool') return text === 'true';
  return row.type === 'int64' || row.type === 'uint64' ? BigInt(text) : Number(text);
}

/**
 * The declared default of a field: `defaultOf('Filters', 'refuse_seconds')` is 5.
 * @throws PlateauError `ASSERTION` when none is declared.
 */
export function defaultOf<Name extends MessageName, Field extends keyof Messages[Name] & string>(
  message: Name,
  field: Field,
): NonNullable<Messages[Name][Field]> {
  const row = fieldRow(message, field);
  const value = row === undefined ? undefined : declaredDefault(row);
  if (value === undefined) {
    throw new PlateauError('ASSERTION', `no default is declared for ${message}.${field}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- table and type are generated from one schema
  return value as NonNullable<Messages[Name][Field]>;
}
