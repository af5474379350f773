/** Random messages of every type, made from the schema table. */
import * as fc from 'fast-check';
import { ENUM_TABLE, MESSAGE_TABLE, declaredDefault } from '../../../core/api/index.js';
import type { FieldRow, MessageName } from '../../../core/api/index.js';

export const MESSAGE_NAMES = Object.keys(MESSAGE_TABLE) as MessageName[];

/** Below this depth only required fields are set, so that messages that contain themselves end. */
const MAX_DEPTH = 3;

const TEXT = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'Infinity',
    'null',
    '"\\',
    '\ud800',
    '\u2028',
    'x\u0000',
  ),
);

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: TEXT,
  bytes: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  bool: fc.boolean(),
  double: fc.oneof(fc.double({ noNaN: true }), fc.integer().map(Number)),
  int32: fc.integer(),
  uint32: fc.nat(2 ** 31 - 1),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

type Draw = fc.GeneratorValue;

/** A message whose optional fields are set at random. Lists and maps that are set are not empty. */
export function drawMessage(draw: Draw, name: MessageName, depth = 0): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const row of MESSAGE_TABLE[name]) {
    const isSet =
      row.label === 'required' || (depth < MAX_DEPTH && draw(fc.nat, { max: depth + 1 }) === 0);
    if (isSet) message[row.name] = drawField(draw, row, depth);
  }
  return message;
}

function drawField(draw: Draw, row: FieldRow, depth: number): unknown {
  if (row.label === 'repeated') {
    return Array.from({ length: draw(fc.integer, { min: 1, max: 3 }) }, () =>
      drawValue(draw, row, depth),
    );
  }
  if (row.label !== 'map') return drawValue(draw, row, depth);
  const keys = draw(fc.uniqueArray<string, string>, TEXT, { minLength: 1, maxLength: 3 });
  const map = Object.create(null) as Record<string, unknown>;
  for (const key of keys) map[key] = drawValue(draw, row, depth);
  return map;
}

function drawValue(draw: Draw, row: FieldRow, depth: number): unknown {
  if (row.kind === 'message') return drawMessage(draw, row.type as MessageName, depth + 1);
  if (row.kind === 'enum') {
    return draw(() => fc.constantFrom(...Object.keys(ENUM_TABLE[row.type] ?? {})));
  }
  return draw(() => SCALARS[row.type] as fc.Arbitrary<unknown>);
}

/** The message with the defaults that the writer writes. */
export function withDefaults(
  name: MessageName,
  message: Record<string, unknown>,
): Record<string, unknown> {
  const filled: Record<string, unknown> = {};
  for (const row of MESSAGE_TABLE[name]) {
    const value = message[row.name];
    if (value === undefined) {
      if (row.default !== undefined && row.deprecated !== true)
        filled[row.name] = declaredDefault(row);
    } else filled[row.name] = fillField(row, value);
  }
  return filled;
}

function fillField(row: FieldRow, value: unknown): unknown {
  if (row.kind !== 'message') return value;
  const fill = (item: unknown): unknown =>
    withDefaults(row.type as MessageName, item as Record<string, unknown>);
  if (row.label === 'repeated') return (value as unknown[]).map(fill);
  if (row.label !== 'map') return fill(value);
  const map = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value as object)) map[key] = fill(item);
  return map;
}
