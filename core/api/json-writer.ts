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
  return writerOf(name)('', message);
}

/** The message that was written last by `encodeJsonOnce`, and its text. */
let keptMessage: unknown;
let keptText = '';

/**
 * As `encodeJson`, for a message that is written again at once, by itself or inside of another: this very
 * object is not gone through again, until another one is written so. Only one is kept, since a
 * weak map of more costs the garbage collector more than it saves.
 */
export function encodeJsonOnce<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
): string {
  keptText = encodeJson(name, message);
  keptMessage = message;
  return keptText;
}

/** Whether two messages say the same: an unset field equals one set to its default. */
export function messagesEqual<Name extends MessageName>(
  name: Name,
  one: Messages[Name],
  other: Messages[Name],
): boolean {
  return one === other || encodeJson(name, one) === encodeJson(name, other);
}

/** Adds the text of one value to what was written so far. */
type Writer = (written: string, value: unknown) => string;

/** Adds a member with its lead, a label that may start with a comma; nothing for an empty list or map. */
type MemberWriter = (written: string, lead: string, value: unknown) => string;

const writers = new Map<MessageName, Writer>();

function writerOf(name: MessageName): Writer {
  const known = writers.get(name);
  if (known !== undefined) return known;
  const writer = messageWriter(name);
  writers.set(name, writer);
  return writer;
}

/** What is written is only ever added to: cutting a comma off would copy it once for each level. */
function messageWriter(name: MessageName): Writer {
  const fields = MESSAGE_TABLE[name].map((row) => {
    const label = `"${row.name}":`;
    const fallback = fallbackOf(row, label);
    return {
      name: row.name,
      write: memberWriter(row),
      label,
      next: `,${label}`,
      fallback,
      nextFallback: fallback === '' ? '' : `,${fallback}`,
    };
  });
  return (written, message) => {
    if (!isRecord(message)) throw notAMessage(name);
    if (message === keptMessage) return written + keptText;
    let text = `${written}{`;
    const emptyLength = text.length;
    for (const field of fields) {
      const value = message[field.name];
      const isFirst = text.length === emptyLength;
      if (value === undefined || value === null) {
        if (field.fallback !== '') text += isFirst ? field.fallback : field.nextFallback;
      } else text = field.write(text, isFirst ? field.label : field.next, value);
    }
    return `${text}}`;
  };
}

function notAMessage(name: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', `cannot write what is no object as ${name}`);
}

/** The member that is written for an unset field: its default, unless the field is deprecated. */
function fallbackOf(row: FieldRow, label: string): string {
  const value = declaredDefault(row);
  if (value === undefined || row.deprecated === true || row.label !== 'optional') return '';
  return valueWriter(row)(label, value);
}

function memberWriter(row: FieldRow): MemberWriter {
  const single = valueWriter(row);
  if (row.label === 'repeated') return listWriter(single);
  if (row.label === 'map') return mapWriter(single);
  return (written, lead, value) => single(written + lead, value);
}

function valueWriter(row: FieldRow): Writer {
  if (row.kind === 'message') {
    // Messages may contain themselves, so their writers are looked up late.
    let write: Writer | undefined;
    return (written, value) => (write ??= writerOf(messageName(row.type)))(written, value);
  }
  if (row.kind === 'enum') return (written, value) => `${written}"${String(value)}"`;
  switch (row.type) {
    case 'string':
    case 'bytes':
      return (written, value) => written + quote(String(value));
    case 'double':
      return (written, value) => written + writeDouble(Number(value), row.name);
    default:
      return (written, value) => written + String(value);
  }
}

function listWriter(single: Writer): MemberWriter {
  return (written, lead, value) => {
    if (!Array.isArray(value) || value.length === 0) return written;
    let text = `${written}${lead}[`;
    for (let index = 0; index < value.length; index++) {
      if (index > 0) text += ',';
      text = single(text, value[index]);
    }
    return `${text}]`;
  };
}

function mapWriter(single: Writer): MemberWriter {
  return (written, lead, value) => {
    if (!isRecord(value)) return written;
    let text = `${written}${lead}{`;
    const emptyLength = text.length;
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (item === undefined || item === null) continue;
      const comma = text.length === emptyLength ? '' : ',';
      text = single(`${text}${comma}${quote(key)}:`, item);
    }
    return text.length === emptyLength ? written : `${text}}`;
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
