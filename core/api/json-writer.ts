/**
 * Writes messages in their v1 JSON form, driven by the schema table: fields in declaration order,
 * declared defaults written out, doubles with a decimal point, 64-bit integers as plain digits, and
 * nothing but ASCII, since old clients depend on it. Writers are made once per message type.
 */
import { PlateauError, isRecord } from '../base/index.js';
import { declaredDefault } from './defaults.js';
import type { Messages } from './messages.js';
import { messageName, type MessageName } from './schema/lookup.js';
import type { FieldRow } from './schema/rows.js';
import { MESSAGE_TABLE } from './schema/table.js';

/**
 * The JSON text of a message, ASCII only and without line breaks. Infinite doubles are written as
 * the bare word `Infinity`, which `decodeJson` reads.
 * @throws PlateauError `INVALID_MESSAGE` when a double is NaN.
 */
export function encodeJson<Name extends MessageName>(name: Name, message: Messages[Name]): string {
  return writerOf(name)(message);
}

/** Whether two messages say the same: an unset field equals one set to its default. */
export function messagesEqual<Name extends MessageName>(
  name: Name,
  one: Messages[Name],
  other: Messages[Name],
): boolean {
  return one === other || encodeJson(name, one) === encodeJson(name, other);
}

/** The text of one value; '' when there is nothing to write (an empty list or map). */
type Writer = (value: unknown) => string;

const writers = new Map<MessageName, Writer>();

function writerOf(name: MessageName): Writer {
  const known = writers.get(name);
  if (known !== undefined) return known;
  const writer = messageWriter(name);
  writers.set(name, writer);
  return writer;
}

function messageWriter(name: MessageName): Writer {
  const fields = MESSAGE_TABLE[name].map((row) => {
    const write = fieldWriter(row);
    const label = `,"${row.name}":`;
    return { name: row.name, write, label, fallback: fallbackOf(row, label, write) };
  });
  return (message) => {
    if (!isRecord(message)) throw notAMessage(name);
    // Each member starts with a comma; the first one is overwritten by the brace.
    let members = '';
    for (const field of fields) {
      const value = message[field.name];
      if (value === undefined || value === null) {
        members += field.fallback;
        continue;
      }
      const text = field.write(value);
      if (text !== '') members += field.label + text;
    }
    return members === '' ? '{}' : `{${members.slice(1)}}`;
  };
}

function notAMessage(name: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', `cannot write what is no object as ${name}`);
}

/** The member that is written for an unset field: its default, unless the field is deprecated. */
function fallbackOf(row: FieldRow, label: string, write: Writer): string {
  const value = declaredDefault(row);
  if (value === undefined || row.deprecated === true || row.label !== 'optional') return '';
  return label + write(value);
}

function fieldWriter(row: FieldRow): Writer {
  const single = valueWriter(row);
  if (row.label === 'repeated') return listWriter(single);
  return row.label === 'map' ? mapWriter(single) : single;
}

function valueWriter(row: FieldRow): Writer {
  if (row.kind === 'message') {
    // Messages may contain themselves, so their writers are looked up late.
    let write: Writer | undefined;
    return (value) => (write ??= writerOf(messageName(row.type)))(value);
  }
  if (row.kind === 'enum') return (value) => `"${String(value)}"`;
  switch (row.type) {
    case 'string':
    case 'bytes':
      return (value) => quote(String(value));
    case 'double':
      return (value) => writeDouble(Number(value), row.name);
    default:
      return String;
  }
}

function listWriter(single: Writer): Writer {
  return (value) => {
    if (!Array.isArray(value) || value.length === 0) return '';
    let items = '';
    for (const item of value) items += `,${single(item)}`;
    return `[${items.slice(1)}]`;
  };
}

function mapWriter(single: Writer): Writer {
  return (value) => {
    if (!isRecord(value)) return '';
    let members = '';
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (item !== undefined && item !== null) members += `,${quote(key)}:${single(item)}`;
    }
    return members === '' ? '' : `{${members.slice(1)}}`;
  };
}

/** A double with a decimal point or an exponent, as parsers of other languages want to see it. */
function writeDouble(value: number, field: string): string {
  if (Number.isInteger(value)) {
    if (Object.is(value, -0)) return '-0.0';
    const text = String(value);
    // From 1e21 on the text has an exponent.
    return Math.abs(value) < 1e21 ? `${text}.0` : text;
  }
  if (Number.isNaN(value)) {
    throw new PlateauError('INVALID_MESSAGE', `field '${field}' is not a number`, {
      context: { field },
    });
  }
  return String(value);
}

const PLAIN_TEXT = /^[ !#-[\]-~]*$/;
const BEYOND_ASCII = /[\u007f-\uffff]/g;

/** A text in quotes; what is not printable ASCII is escaped, lone surrogates too. */
function quote(text: string): string {
  if (PLAIN_TEXT.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    BEYOND_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
