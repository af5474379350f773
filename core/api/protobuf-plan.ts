/**
 * The schema table, prepared for reading protobuf: fields by their numbers, each with what the reader
 * has to do about it. Plans are made once per message type, when it is first read.
 */
import { PlateauError } from '../base/index.js';
import {
  PROTOBUF_SCALARS,
  type ProtobufScalar,
  WIRE_DELIMITED,
  WIRE_VARINT,
} from './protobuf-scalars.js';
import { type MessageName, messageName } from './schema/lookup.js';
import type { FieldRow } from './schema/rows.js';
import { ENUM_TABLE, MESSAGE_TABLE } from './schema/table.js';

/** What a field holds: one value of it, without label or tag. */
export type ValuePlan = ScalarPlan | EnumPlan | NestedPlan;

interface ScalarPlan {
  readonly kind: 'scalar';
  /** How it lies on the wire. */
  readonly wireType: number;
  readonly scalar: ProtobufScalar;
}

interface EnumPlan {
  readonly kind: 'enum';
  readonly wireType: typeof WIRE_VARINT;
  readonly names: ReadonlyMap<number, string>;
}

interface NestedPlan {
  readonly kind: 'message';
  readonly wireType: typeof WIRE_DELIMITED;
  /** Looked up late, since messages may contain themselves. */
  readonly plan: () => MessagePlan;
}

/** One field. */
export interface FieldPlan {
  readonly name: string;
  readonly isRequired: boolean;
  readonly shape: 'single' | 'list' | 'map';
  /** How the field lies on the wire; a list of numbers may also come packed. */
  readonly wireType: number;
  readonly isPackable: boolean;
  readonly value: ValuePlan;
}

/** One message. */
export interface MessagePlan {
  /** Fields at the index of their number. Numbers of the schema are small. */
  readonly byNumber: readonly (FieldPlan | undefined)[];
  /** Fields in the order of their declaration. */
  readonly fields: readonly FieldPlan[];
  /** Names of the fields that every such message has. */
  readonly required: readonly string[];
}

const plans = new Map<MessageName, MessagePlan>();

/** The plan of a message. */
export function planOf(name: MessageName): MessagePlan {
  const known = plans.get(name);
  if (known !== undefined) return known;
  const plan = messagePlan(name);
  plans.set(name, plan);
  return plan;
}

function messagePlan(name: MessageName): MessagePlan {
  const rows = MESSAGE_TABLE[name];
  const fields = rows.map((row) => fieldPlan(row));
  const largest = Math.max(0, ...rows.map((row) => row.number));
  // Filled, so that the engine keeps a list without holes, which it reads faster.
  const byNumber = Array.from<FieldPlan | undefined>({ length: largest + 1 }).fill(undefined);
  for (const [index, row] of rows.entries()) byNumber[row.number] = fields[index];
  const required = fields.filter((field) => field.isRequired).map((field) => field.name);
  return { byNumber, fields, required };
}

function fieldPlan(row: FieldRow): FieldPlan {
  const value = valuePlan(row);
  const isMap = row.label === 'map';
  const isList = row.label === 'repeated';
  return {
    name: row.name,
    isRequired: row.label === 'required',
    shape: isMap ? 'map' : isList ? 'list' : 'single',
    wireType: isMap ? WIRE_DELIMITED : value.wireType,
    isPackable: isList && value.wireType !== WIRE_DELIMITED,
    value,
  };
}

function valuePlan(row: FieldRow): ValuePlan {
  if (row.kind === 'message') {
    let plan: MessagePlan | undefined;
    const lookUp = (): MessagePlan => (plan ??= planOf(messageName(row.type)));
    return { kind: 'message', wireType: WIRE_DELIMITED, plan: lookUp };
  }
  if (row.kind === 'enum') {
    const values = Object.entries(ENUM_TABLE[row.type] ?? {});
    const names = new Map(values.map(([name, number]) => [number, name]));
    return { kind: 'enum', wireType: WIRE_VARINT, names };
  }
  const scalar = PROTOBUF_SCALARS[row.type];
  if (scalar === undefined) throw new PlateauError('ASSERTION', `no reader for '${row.type}'`);
  return { kind: 'scalar', wireType: scalar.wireType, scalar };
}
