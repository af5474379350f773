/**
 * Scalars of the schema in their protobuf form: 64-bit integers are bigint on our side, bytes are
 * base64 text. What the wire can carry and a message must not hold (text that is no UTF-8, numbers
 * that are none) is refused here with the reason alone; the reader adds the path of the field.
 */
import type protobuf from 'protobufjs/minimal.js';
import { PlateauError } from '../base/index.js';

/** How a value lies on the wire: as a varint, as eight bytes, or behind its length. */
export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_DELIMITED = 2;

/** The tag of the key in an entry of a map: its first field, a text. */
export const KEY_TAG = (1 << 3) | WIRE_DELIMITED;
/** The number of the value in an entry of a map. */
export const VALUE_NUMBER = 2;

/** Reads and writes values of one scalar type, without their tags. */
export interface ProtobufScalar {
  readonly wireType: number;
  readonly read: (reader: protobuf.Reader) => unknown;
  readonly write: (writer: protobuf.Writer, value: unknown) => void;
  /** What a field of a map's entry holds when it was left out. */
  readonly zero: unknown;
}

/** The error of a value: the reason alone, to which whoever knows the path adds it. */
export function malformed(reason: string, cause?: unknown): PlateauError {
  return new PlateauError('INVALID_MESSAGE', reason, { cause });
}

/**
 * Reads text, strictly: with a replacement character in it, it would no longer be the id that was
 * sent.
 */
export function readText(reader: protobuf.Reader): string {
  try {
    return reader.stringVerify();
  } catch (error) {
    if (error instanceof TypeError) throw malformed('expected text in UTF-8', error);
    throw error;
  }
}

const SURROGATE = /[\ud800-\udfff]/;

/** Writes text. The library writes halves of a pair as they are, which no reader would take. */
export function writeText(writer: protobuf.Writer, text: string): void {
  if (SURROGATE.test(text)) writer.bytes(Buffer.from(text));
  else writer.string(text);
}

function readBytes(reader: protobuf.Reader): string {
  const { buffer, byteOffset, byteLength } = reader.bytes();
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function writeBytes(writer: protobuf.Writer, value: unknown): void {
  writer.bytes(Buffer.from(String(value), 'base64'));
}

/** JSON has no word for it, so that such a message could not be shown any more. */
function readDouble(reader: protobuf.Reader): number {
  const value = reader.double();
  if (Number.isNaN(value)) throw malformed('expected a number, not NaN');
  return value;
}

function readInt64(reader: protobuf.Reader): bigint {
  const { low, high } = reader.int64();
  if (high === 0) return BigInt(low >>> 0);
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function readUint64(reader: protobuf.Reader): bigint {
  const { low, high } = reader.uint64();
  if (high === 0) return BigInt(low >>> 0);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

const LARGEST_HALF = 0xffff_ffffn;

function writeInteger64(writer: protobuf.Writer, value: unknown): void {
  const integer = typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value)));
  if (integer >= 0n && integer <= LARGEST_HALF) {
    writer.uint32(Number(integer));
    return;
  }
  const low = Number(BigInt.asIntN(32, integer));
  const high = Number(BigInt.asIntN(32, integer >> 32n));
  writer.uint64({ low, high, unsigned: true });
}

/** The scalar types of the schema. */
export const PROTOBUF_SCALARS: Readonly<Record<string, ProtobufScalar>> = {
  string: {
    wireType: WIRE_DELIMITED,
    read: readText,
    write: (writer, value) => writeText(writer, String(value)),
    zero: '',
  },
  bytes: { wireType: WIRE_DELIMITED, read: readBytes, write: writeBytes, zero: '' },
  bool: {
    wireType: WIRE_VARINT,
    read: (reader) => reader.bool(),
    write: (writer, value) => void writer.bool(value === true),
    zero: false,
  },
  double: {
    wireType: WIRE_FIXED64,
    read: readDouble,
    write: (writer, value) => void writer.double(Number(value)),
    zero: 0,
  },
  int32: {
    wireType: WIRE_VARINT,
    read: (reader) => reader.int32(),
    write: (writer, value) => void writer.int32(Number(value)),
    zero: 0,
  },
  uint32: {
    wireType: WIRE_VARINT,
    read: (reader) => reader.uint32(),
    write: (writer, value) => void writer.uint32(Number(value)),
    zero: 0,
  },
  int64: { wireType: WIRE_VARINT, read: readInt64, write: writeInteger64, zero: 0n },
  uint64: { wireType: WIRE_VARINT, read: readUint64, write: writeInteger64, zero: 0n },
};
