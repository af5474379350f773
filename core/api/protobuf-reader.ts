/**
 * Reads messages from their protobuf form (proto2), driven by the schema table, into the same plain
 * objects that the reader of JSON gives. What the table does not know is passed over: unknown
 * fields, groups, fields of another wire type, unknown values of enums. A message that comes in
 * several pieces is merged. Defaults are not filled in.
 */
import protobuf from 'protobufjs/minimal.js';
import { PlateauError, isRecord } from '../base/index.js';
import type { Messages } from './messages.js';
import { type FieldPlan, type MessagePlan, type ValuePlan, planOf } from './protobuf-plan.js';
import { KEY_TAG, VALUE_NUMBER, WIRE_DELIMITED, malformed, readText } from './protobuf-scalars.js';
import type { MessageName } from './schema/lookup.js';
import { Trail } from './trail.js';

/** Largest message that is read unless told otherwise, as large as a record of a stream. */
export const MAX_PROTOBUF_BYTES = 16 * 1024 * 1024;

/** Deepest nesting of messages that is read, as in Mesos; each level of a map counts as two. */
export const MAX_PROTOBUF_DEPTH = 100;

/** Most values (scalars, messages, entries of maps) that a message may hold with all in it. */
export const MAX_PROTOBUF_VALUES = 500_000;

/** Bounds of one message, where they differ from the constants above. */
export interface ProtobufLimits {
  readonly maxBytes?: number;
  readonly maxValues?: number;
}

/**
 * Reads a message from its protobuf bytes. Work and memory are linear in the length of the bytes,
 * whatever lengths they claim.
 * @throws PlateauError `INVALID_MESSAGE`: malformed, beyond a bound, text that is not UTF-8, a double
 *   that is NaN, or required fields missing; names the path of the field in its text and, as
 *   `field`, in its context.
 */
export function decodeProtobuf<Name extends MessageName>(
  name: Name,
  bytes: Uint8Array,
  limits: ProtobufLimits = {},
): Messages[Name] {
  const { maxBytes = MAX_PROTOBUF_BYTES, maxValues = MAX_PROTOBUF_VALUES } = limits;
  if (bytes.length > maxBytes) {
    const reason = `a message of ${bytes.length} bytes exceeds the limit of ${maxBytes}`;
    throw new PlateauError('INVALID_MESSAGE', `the body is not a message: ${reason}`);
  }
  const message = new MessageReading(bytes, maxValues).read(name);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built by the table that the type was generated with
  return message as Messages[Name];
}

/** A message or map that is being read. */
type Growing = Record<string, unknown>;

/** Whether a value of a message that is being read is a message or map. */
function isGrowing(value: unknown): value is Growing {
  return isRecord(value);
}

/** The reading of one message, with all messages in it. */
class MessageReading {
  readonly #reader: protobuf.Reader;
  readonly #maxValues: number;
  #valuesLeft: number;
  #depth = 0;
  /** Whether a message ended without a required field. It may still come with a later piece. */
  #isIncomplete = false;
  /** By depth: the message that is being read, and the field in it, or the key in a map. */
  readonly #messages: Growing[] = [];
  readonly #fields: (FieldPlan | string | undefined)[] = [];

  constructor(bytes: Uint8Array, maxValues: number) {
    this.#reader = protobuf.Reader.create(bytes);
    this.#maxValues = maxValues;
    this.#valuesLeft = maxValues;
  }

  read(name: MessageName): Growing {
    const plan = planOf(name);
    const message: Growing = {};
    try {
      this.#readFields(plan, message);
    } catch (error) {
      this.#refuse(error);
    }
    if (this.#isIncomplete) {
      const trail = new Trail();
      noteMissing(plan, message, trail);
      trail.refuseMissing(name);
    }
    return message;
  }

  /** Reads fields up to where the reader is told to end. */
  #readFields(plan: MessagePlan, message: Growing): void {
    const reader = this.#reader;
    const depth = this.#depth;
    this.#messages[depth] = message;
    while (reader.pos < reader.len) {
      this.#fields[depth] = undefined;
      const tag = reader.tag();
      const field = plan.byNumber[tag >>> 3];
      const wireType = tag & 7;
      this.#fields[depth] = field;
      if (field?.wireType === wireType) this.#readField(field, message);
      else if (field?.isPackable === true && wireType === WIRE_DELIMITED)
        this.#readPacked(field, message);
      else reader.skipType(wireType, depth, tag >>> 3);
    }
    for (const name of plan.required) {
      if (message[name] === undefined) this.#isIncomplete = true;
    }
  }

  #readField(field: FieldPlan, message: Growing): void {
    const { name } = field;
    const known = message[name];
    if (field.shape === 'single') {
      // The last scalar counts; pieces of a message add up.
      const value = this.#readValue(field.value, isGrowing(known) ? known : undefined);
      if (value !== undefined) message[name] = value;
    } else if (field.shape === 'list') {
      const value = this.#readValue(field.value, undefined);
      if (value === undefined) return;
      if (Array.isArray(known)) known.push(value);
      else message[name] = [value];
    } else {
      const map = isGrowing(known) ? known : (message[name] = emptyMap());
      this.#readEntry(field.value, map);
    }
  }

  #readPacked(field: FieldPlan, message: Growing): void {
    const outerEnd = this.#open();
    const known = message[field.name];
    const values: unknown[] = Array.isArray(known) ? known : [];
    while (this.#reader.pos < this.#reader.len) {
      const value = this.#readValue(field.value, undefined);
      if (value !== undefined) values.push(value);
    }
    if (values.length > 0) message[field.name] = values;
    this.#reader.len = outerEnd;
  }

  /** One value, or undefined for a value of an enum that is not known. */
  #readValue(value: ValuePlan, known: Growing | undefined): unknown {
    this.#count();
    switch (value.kind) {
      case 'scalar':
        return value.scalar.read(this.#reader);
      case 'enum':
        return value.names.get(this.#reader.int32());
      case 'message':
        return this.#readMessage(value.plan(), known ?? {});
    }
  }

  #readMessage(plan: MessagePlan, message: Growing): Growing {
    const outerEnd = this.#open();
    this.#descend();
    this.#readFields(plan, message);
    this.#depth--;
    this.#reader.len = outerEnd;
    return message;
  }

  /** An entry of a map: a message of key and value, either of which may be left out. */
  #readEntry(value: ValuePlan, map: Growing): void {
    const reader = this.#reader;
    const outerEnd = this.#open();
    this.#descend();
    this.#count();
    const depth = this.#depth;
    let key = '';
    let item: unknown;
    while (reader.pos < reader.len) {
      this.#fields[depth] = key;
      const tag = reader.tag();
      if (tag === KEY_TAG) key = readText(reader);
      else if (tag === ((VALUE_NUMBER << 3) | value.wireType))
        item = this.#readValue(value, isGrowing(item) ? item : undefined);
      else reader.skipType(tag & 7, depth, tag >>> 3);
    }
    this.#depth--;
    reader.len = outerEnd;
    map[key] = item ?? this.#zeroOf(value);
  }

  #zeroOf(value: ValuePlan): unknown {
    if (value.kind === 'scalar') return value.scalar.zero;
    this.#isIncomplete = true;
    return {};
  }

  /** Reads a length, and tells the reader to end there. Returns where it ended before. */
  #open(): number {
    const reader = this.#reader;
    const length = reader.size();
    const outerEnd = reader.len;
    if (length > outerEnd - reader.pos) throw malformed(CUT_SHORT);
    reader.len = reader.pos + length;
    return outerEnd;
  }

  #descend(): void {
    if (++this.#depth < MAX_PROTOBUF_DEPTH) return;
    this.#depth--;
    throw malformed(`messages are nested deeper than ${MAX_PROTOBUF_DEPTH} levels`);
  }

  #count(): void {
    if (--this.#valuesLeft >= 0) return;
    throw malformed(`the message holds more than ${this.#maxValues} values`);
  }

  /** Adds the path to what went wrong. */
  #refuse(error: unknown): never {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    const trail = new Trail();
    for (let depth = 0; depth <= this.#depth; depth++) {
      const field = this.#fields[depth];
      if (field === undefined) break;
      trail.push(typeof field === 'string' ? field : field.name);
      if (typeof field === 'string' || field.shape !== 'list') continue;
      const list = this.#messages[depth]?.[field.name];
      trail.push(Array.isArray(list) ? list.length : 0);
    }
    return trail.refuse(reason, error);
  }
}

const CUT_SHORT = 'the bytes end in the middle of a value';

/** What a message is refused for; undefined: the error is a defect and passes through. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof PlateauError) {
    return error.code === 'INVALID_MESSAGE' ? error.message : undefined;
  }
  if (error instanceof RangeError) return CUT_SHORT;
  // The library throws bare errors about bytes; its defects and ours are of other classes.
  const isAboutBytes = error instanceof Error && error.constructor === Error;
  return isAboutBytes ? `malformed protobuf: ${error.message}` : undefined;
}

/** Notes every required field that a message, or one in it, has not. */
function noteMissing(plan: MessagePlan, message: Growing, trail: Trail): void {
  for (const { name, isRequired, shape, value } of plan.fields) {
    const held = message[name];
    if (held === undefined) {
      if (isRequired) trail.miss(name);
    } else if (value.kind === 'message') {
      trail.push(name);
      if (shape === 'single') noteMissingIn(held, value.plan(), trail);
      else
        for (const [step, item] of itemsOf(held)) {
          trail.push(step);
          noteMissingIn(item, value.plan(), trail);
          trail.pop();
        }
      trail.pop();
    }
  }
}

function noteMissingIn(held: unknown, plan: MessagePlan, trail: Trail): void {
  if (isGrowing(held)) noteMissing(plan, held, trail);
}

/** The elements of a list by their index, or of a map by their key. */
function itemsOf(held: unknown): Iterable<[string | number, unknown]> {
  if (Array.isArray(held)) return held.entries();
  return isRecord(held) ? Object.entries(held) : [];
}

/** Maps have no prototype, so that any text is an ordinary key and lookups find own keys only. */
function emptyMap(): Growing {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.create is typed as any
  return Object.create(null) as Growing;
}
