/**
 * Building blocks of large answers in protobuf: fields that are made little by little. A message tells its
 * length before its fields, so all of them are made, and kept, before the first one is written.
 */
import { type MessageName, type Messages, encodeProtobuf } from '../api/index.js';
import { type TextPiece, lengthOf } from './pages/text-store.js';

/** Fields of a message whose length is known. */
export interface Fields {
  readonly bytes: number;
  readonly parts: readonly (TextPiece | Fields)[];
}

/** Makes fields little by little: what it yields is nothing, and lets others have their turn. */
export type Making = Generator<string, Fields>;

const NOTHING_YET = '';

/** Fields that are the elements of a list, each made by `make` with its tag. */
export function* listed<T>(items: Iterable<T>, make: (item: T) => TextPiece): Making {
  const parts: TextPiece[] = [];
  let bytes = 0;
  for (const item of items) {
    const part = make(item);
    parts.push(part);
    bytes += lengthOf(part);
    yield NOTHING_YET;
  }
  return { bytes, parts };
}

/** Fields one after the other. */
export function joined(parts: readonly Fields[]): Fields {
  return { bytes: parts.reduce((sum, part) => sum + part.bytes, 0), parts };
}

/** A field that is a message. */
export function nested<Name extends MessageName>(
  message: Name,
  field: string & keyof Messages[Name],
  fields: Fields,
): Fields {
  const head = prefix(message, field, fields.bytes);
  return { bytes: head.length + fields.bytes, parts: [head, fields] };
}

/** Tag and length of a field that is a message. */
export function prefix<Name extends MessageName>(
  message: Name,
  field: string & keyof Messages[Name],
  bytes: number,
): Buffer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a message with one empty field
  const empty = encodeProtobuf(message, { [field]: {} } as Messages[Name]);
  const length: number[] = [];
  let rest = bytes;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) + 0x80);
  return Buffer.concat([empty.subarray(0, -1), Buffer.from([...length, rest])]);
}

/** The bytes, in order. */
export function* flattened({ parts }: Fields): Generator<TextPiece> {
  for (const part of parts) {
    if (isFields(part)) yield* flattened(part);
    else yield part;
  }
}

function isFields(part: TextPiece | Fields): part is Fields {
  return typeof part !== 'string' && 'parts' in part;
}
