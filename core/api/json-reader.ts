/**
 * Reads messages from their v1 JSON form, driven by the schema table. The result is made of fresh
 * objects that hold known fields only, in declaration order; whatever else the input carries,
 * such as `__proto__`, has no effect. Empty lists and maps count as unset, as on the protobuf wire,
 * so that equal messages are deep-equal. Defaults are not filled in.
 */
import { PlateauError, isRecord } from '../base/index.js';
import { parseJson } from './json-parse.js';
import { Misfit, SCALAR_READERS, typeWord } from './json-scalars.js';
import type { Messages } from './messages.js';
import { type MessageName, messageName } from './schema/lookup.js';
import type { FieldRow } from './schema/rows.js';
import { ENUM_TABLE, MESSAGE_TABLE } from './schema/table.js';
import { Trail } from './trail.js';

/**
 * Parses the JSON text of a message.
 * @throws PlateauError `INVALID_MESSAGE`, naming the path of the field in its text and, as `field`,
 *   in its context.
 */
export function decodeJson<Name extends MessageName>(
  name: Name,
  source: string | Uint8Array,
): Messages[Name] {
  return fromJson(name, parseJson(source));
}

/**
 * Reads a message from a JSON value, such as `JSON.parse` or `parseJson` gives.
 * @throws PlateauError `INVALID_MESSAGE` like `decodeJson`.
 */
export function fromJson<Name extends MessageName>(name: Name, value: unknown): Messages[Name] {
  const trail = new Trail();
  const message = messageReader(name)(value, trail);
  trail.refuseMissing(name);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built by the table that the type was generated with
  return message as Messages[Name];
}

/** Reads one value; undefined leaves the field unset. Throws through the trail. */
type Reader = (value: unknown, trail: Trail) => unknown;

/** One reader per message type, made when it is first needed. */
const messageReaders = new Map<MessageName, Reader>();

function messageReader(name: MessageName): Reader {
  const known = messageReaders.get(name);
  if (known !== undefined) return known;
  const fields = MESSAGE_TABLE[name].map((row) => ({
    name: row.name,
    isRequired: row.label === 'required',
    read: fieldReader(row),
  }));
  const reader: Reader = (value, trail) => {
    if (!isRecord(value)) return trail.refuse(`expected an object, not ${typeWord(value)}`);
    const message: Record<string, unknown> = {};
    for (const field of fields) {
      const raw = value[field.name];
      if (raw !== undefined && raw !== null) {
        trail.push(field.name);
        const decoded = field.read(raw, trail);
        trail.pop();
        if (decoded !== undefined) message[field.name] = decoded;
      } else if (field.isRequired) trail.miss(field.name);
    }
    return message;
  };
  messageReaders.set(name, reader);
  return reader;
}

function fieldReader(row: FieldRow): Reader {
  const single = valueReader(row);
  if (row.label === 'repeated') return listReader(single);
  return row.label === 'map' ? mapReader(single) : single;
}

function valueReader(row: FieldRow): Reader {
  if (row.kind === 'enum') return enumReader(row);
  if (row.kind === 'message') return nestedReader(row.type);
  const read = SCALAR_READERS[row.type];
  if (read === undefined) throw new PlateauError('ASSERTION', `no reader for type '${row.type}'`);
  return (value, trail) => {
    const result = read(value);
    return result instanceof Misfit ? trail.refuse(result.reason) : result;
  };
}

/** Messages may contain themselves, so their readers are looked up late. */
function nestedReader(type: string): Reader {
  let reader: Reader | undefined;
  return (value, trail) => {
    reader ??= messageReader(messageName(type));
    return reader(value, trail);
  };
}

/** An unknown name in an optional field or list is passed over; a later version may know it. */
function enumReader(row: FieldRow): Reader {
  const names = new Set(Object.keys(ENUM_TABLE[row.type] ?? {}));
  return (value, trail) => {
    if (typeof value !== 'string') {
      return trail.refuse(`expected the name of a value, not ${typeWord(value)}`);
    }
    if (names.has(value)) return value;
    return row.label === 'required' ? trail.refuse('unknown value of an enum') : undefined;
  };
}

/** A bare value counts as a list of one; null in a list is passed over. */
function listReader(single: Reader): Reader {
  return (value, trail) => {
    if (!Array.isArray(value)) {
      const decoded = single(value, trail);
      return decoded === undefined ? undefined : [decoded];
    }
    const list: unknown[] = [];
    for (const [index, item] of value.entries()) {
      if (item === null) continue;
      trail.push(index);
      const decoded = single(item, trail);
      trail.pop();
      if (decoded !== undefined) list.push(decoded);
    }
    return list.length === 0 ? undefined : list;
  };
}

/** Maps have no prototype, so that any text is an ordinary key and lookups find own keys only. */
function mapReader(single: Reader): Reader {
  return (value, trail) => {
    if (!isRecord(value)) return trail.refuse(`expected an object, not ${typeWord(value)}`);
    const map: Record<string, unknown> = emptyMap();
    let isEmpty = true;
    for (const [key, item] of Object.entries(value)) {
      if (item === null || item === undefined) continue;
      trail.push(key);
      const decoded = single(item, trail);
      trail.pop();
      if (decoded === undefined) continue;
      map[key] = decoded;
      isEmpty = false;
    }
    return isEmpty ? undefined : map;
  };
}

function emptyMap(): Record<string, unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.create is typed as any
  return Object.create(null) as Record<string, unknown>;
}
