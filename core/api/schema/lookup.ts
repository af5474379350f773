/** Finds rows of the generated table by names that are known at run time only. */
import { PlateauError } from '../../base/index.js';
import type { Messages } from '../messages.js';
import type { FieldRow } from './rows.js';
import { MESSAGE_TABLE } from './table.js';

/** Name of any message. */
export type MessageName = keyof Messages;

/**
 * The text as the name of a message of the table.
 * @throws PlateauError `ASSERTION` when there is none of that name.
 */
export function messageName(text: string): MessageName {
  if (!Object.hasOwn(MESSAGE_TABLE, text)) {
    throw new PlateauError('ASSERTION', `the schema has no message '${text}'`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
  return text as MessageName;
}

/** The row of a field, or undefined when the message has no such field. */
export function fieldRow(message: MessageName, field: string): FieldRow | undefined {
  return MESSAGE_TABLE[message].find((row) => row.name === field);
}
