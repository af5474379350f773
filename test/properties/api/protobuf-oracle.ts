/** The library's own encoder and decoder by reflection, over the same schema table: a second opinion. */
import protobuf from 'protobufjs';
import { ENUM_TABLE, MESSAGE_TABLE } from '../../../core/api/index.js';
import type { FieldRow, MessageName } from '../../../core/api/index.js';

/** Bytes of a message, as the library writes them. Values are converted to what it takes. */
export function encodeByReflection(name: MessageName, message: Record<string, unknown>): Buffer {
  const type = ROOT.lookupType(name);
  return Buffer.from(type.encode(convert(name, message, TO_LIBRARY)).finish());
}

/** A message as the library reads it, in our form. */
export function decodeByReflection(name: MessageName, bytes: Uint8Array): Record<string, unknown> {
  const type = ROOT.lookupType(name);
  return convert(name, own(type.decode(bytes)), FROM_LIBRARY);
}

const ROOT = protobuf.Root.fromJSON({ nested: { ...messageTypes(), ...enumTypes() } });

function messageTypes(): Record<string, protobuf.AnyNestedObject> {
  const types: Record<string, protobuf.AnyNestedObject> = {};
  for (const [name, rows] of Object.entries(MESSAGE_TABLE)) {
    const fields = Object.fromEntries(rows.map((row) => [row.name, fieldType(row)]));
    types[name] = { edition: 'proto2', fields };
  }
  return types;
}

function fieldType(row: FieldRow): protobuf.IField & { keyType?: string } {
  const base = { id: row.number, type: row.type };
  return row.label === 'map' ? { ...base, keyType: 'string' } : { ...base, rule: row.label };
}

function enumTypes(): Record<string, protobuf.AnyNestedObject> {
  const types: Record<string, protobuf.AnyNestedObject> = {};
  for (const [name, values] of Object.entries(ENUM_TABLE)) {
    types[name] = { edition: 'proto2', values: { ...values } };
  }
  return types;
}

type Conversion = (row: FieldRow, value: unknown) => unknown;

const TO_LIBRARY: Conversion = (row, value) => {
  if (row.kind === 'enum') return ENUM_TABLE[row.type]?.[String(value)];
  if (row.type === 'bytes') return Buffer.from(String(value), 'base64');
  if (typeof value !== 'bigint') return value;
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: row.type === 'uint64',
  };
};

const FROM_LIBRARY: Conversion = (row, value) => {
  if (row.kind === 'enum') {
    return Object.entries(ENUM_TABLE[row.type] ?? {}).find(([, number]) => number === value)?.[0];
  }
  if (row.type === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  if (row.type !== 'int64' && row.type !== 'uint64') return value;
  const { low, high } = value as { low: number; high: number };
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return row.type === 'uint64' ? BigInt.asUintN(64, bits) : bits;
};

function convert(
  name: MessageName,
  message: Record<string, unknown>,
  change: Conversion,
): Record<string, unknown> {
  const converted: Record<string, unknown> = {};
  for (const row of MESSAGE_TABLE[name]) {
    const value = message[row.name];
    if (value === undefined || isEmpty(row, value)) continue;
    const single = (item: unknown): unknown =>
      row.kind === 'message'
        ? convert(row.type as MessageName, own(item), change)
        : change(row, item);
    if (row.label === 'repeated') converted[row.name] = (value as unknown[]).map(single);
    else if (row.label !== 'map') converted[row.name] = single(value);
    else converted[row.name] = mapValues(value as object, single);
  }
  return converted;
}

/** The library gives every message a list or map for each such field, also for unset ones. */
function isEmpty(row: FieldRow, value: unknown): boolean {
  if (row.label === 'repeated') return (value as unknown[]).length === 0;
  return row.label === 'map' && Object.keys(value as object).length === 0;
}

function mapValues(map: object, change: (item: unknown) => unknown): Record<string, unknown> {
  const changed = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(map)) changed[key] = change(item);
  return changed;
}

/** What the library's message has itself: its prototype answers for unset fields. */
function own(message: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message as object));
}
