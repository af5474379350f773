/**
 * Writes messages in their protobuf form (proto2), driven by the schema table: fields in the order of
 * their numbers, lists not packed, defaults left out as they are in the message. A message goes
 * from the plain object to bytes directly. Writers are made once per message type.
 */
import protobuf from 'protobufjs/minimal.js';
import { PlateauError, isRecord } from '../base/index.js';
import type { Messages } from './messages.js';
import {
  KEY_TAG,
  PROTOBUF_SCALARS,
  WIRE_DELIMITED,
  VALUE_NUMBER,
  WIRE_VARINT,
  writeText,
} from './protobuf-scalars.js';
import { type MessageName, messageName } from './schema/lookup.js';
import type { FieldRow } from './schema/rows.js';
import { ENUM_TABLE, MESSAGE_TABLE } from './schema/table.js';

/**
 * The protobuf bytes of a message. Halves of surrogate pairs, which UTF-8 cannot carry, become
 * U+FFFD.
 * @throws PlateauError `INVALID_MESSAGE` naming the field that holds no value of its type: a double
 *   that is NaN, an unknown name of an enum.
 */
export function encodeProtobuf<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
): Buffer {
  const writer = protobuf.Writer.create();
  writerOf(name)(writer, message);
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Writes one value. */
type Write = (writer: protobuf.Writer, value: unknown) => void;

const writers = new Map<MessageName, Write>();

function writerOf(name: MessageName): Write {
  const known = writers.get(name);
  if (known !== undefined) return known;
  const writer = messageWriter(name);
  writers.set(name, writer);
  return writer;
}

function messageWriter(name: MessageName): Write {
  const fields = MESSAGE_TABLE[name]
    .toSorted((one, other) => one.number - other.number)
    .map((row) => ({ name: row.name, write: fieldWriter(row) }));
  return (writer, message) => {
    if (!isRecord(message)) {
      throw new PlateauError('INVALID_MESSAGE', `cannot write what is no object as ${name}`);
    }
    for (const field of fields) {
      const value = message[field.name];
      if (value !== undefined && value !== null) field.write(writer, value);
    }
  };
}

function fieldWriter(row: FieldRow): Write {
  if (row.label === 'map') return mapWriter(row);
  const single = taggedWriter(row, row.number);
  if (row.label !== 'repeated') return single;
  return (writer, value) => {
    if (!Array.isArray(value)) return;
    for (const item of value) single(writer, item);
  };
}

/** A map is a list of entries, which are messages of key and value. */
function mapWriter(row: FieldRow): Write {
  const writeValue = taggedWriter(row, VALUE_NUMBER);
  return (writer, value) => {
    if (!isRecord(value)) return;
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (item === undefined || item === null) continue;
      writer.uint32(tagOf(row.number, WIRE_DELIMITED)).fork();
      writeText(writer.uint32(KEY_TAG), key);
      writeValue(writer, item);
      writer.ldelim();
    }
  };
}

/** Writes the value of a row behind a tag with the given number. */
function taggedWriter(row: FieldRow, number: number): Write {
  if (row.kind === 'message') return nestedWriter(row, tagOf(number, WIRE_DELIMITED));
  if (row.kind === 'enum') return enumWriter(row, tagOf(number, WIRE_VARINT));
  const scalar = PROTOBUF_SCALARS[row.type];
  if (scalar === undefined) throw new PlateauError('ASSERTION', `no writer for '${row.type}'`);
  const tag = tagOf(number, scalar.wireType);
  const { write } = scalar;
  if (row.type !== 'double') return (writer, value) => write(writer.uint32(tag), value);
  return (writer, value) => {
    if (Number.isNaN(value)) throw refusal(row, 'is not a number');
    write(writer.uint32(tag), value);
  };
}

function nestedWriter(row: FieldRow, tag: number): Write {
  // Messages may contain themselves, so their writers are looked up late.
  let write: Write | undefined;
  return (writer, value) => {
    write ??= writerOf(messageName(row.type));
    write(writer.uint32(tag).fork(), value);
    writer.ldelim();
  };
}

function enumWriter(row: FieldRow, tag: number): Write {
  const numbers = new Map(Object.entries(ENUM_TABLE[row.type] ?? {}));
  return (writer, value) => {
    const number = numbers.get(String(value));
    if (number === undefined) throw refusal(row, `'${String(value)}' is no value of ${row.type}`);
    writer.uint32(tag).int32(number);
  };
}

function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}

function refusal(row: FieldRow, reason: string): PlateauError {
  const context = { field: row.name };
  return new PlateauError('INVALID_MESSAGE', `field '${row.name}': ${reason}`, { context });
}
