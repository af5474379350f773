/**
 * What is done to a good request to make it a bad one: to the tree of its message, to its bytes, to its
 * headers, and to the way its body is sent. Nothing here knows what the request means.
 */
import { isRecord } from '../../../../core/base/index.js';
import type { Choices } from './random.js';

/** Values that are wrong somewhere. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  0.5,
  '',
  '.',
  '..',
  '../../etc',
  '/',
  'a b',
  '\u0000',
  'ü✓💥',
  '\ud800',
  'Infinity',
  'NaN',
  'no-such-value',
  '99999999999999999999',
  'x'.repeat(300),
  'y'.repeat(20_000),
  '[1-2]',
  'AAAA',
  [],
  {},
  [[]],
  [null],
  { value: '' },
  { value: 'x'.repeat(400) },
  { nanoseconds: -1 },
];
const DEEP_LEVELS = 400;
const MANY_ITEMS = 500;

/** The tree with one place of it changed. */
export function mutateTree(tree: unknown, choices: Choices): unknown {
  const isBranch = isRecord(tree) || Array.isArray(tree);
  const keys = isBranch ? Object.keys(tree) : [];
  if (keys.length === 0 || choices.percent(12)) return oddValue(tree, choices);
  const key = choices.pick(keys);
  if (Array.isArray(tree)) {
    const index = Number(key);
    if (choices.percent(15)) return tree.filter((_, i) => i !== index);
    if (choices.percent(10)) return [...tree, tree[index]];
    return tree.with(index, mutateTree(tree[index], choices));
  }
  const record = Object(tree) as Readonly<Record<string, unknown>>;
  const entries = Object.entries(record);
  if (choices.percent(20)) return Object.fromEntries(entries.filter(([name]) => name !== key));
  if (choices.percent(5)) return { ...record, [choices.pick(ODD_NAMES)]: record[key] };
  return { ...record, [key]: mutateTree(record[key], choices) };
}

const ODD_NAMES = ['', 'type', '__proto__', 'constructor', 'value', 'unknown_member', 'ü'];

function oddValue(value: unknown, choices: Choices): unknown {
  if (choices.percent(3)) return deep(value);
  if (choices.percent(3)) return Array.from({ length: MANY_ITEMS }, () => value);
  if (typeof value === 'number' && choices.percent(50)) return -value;
  if (typeof value === 'string' && value !== '' && choices.percent(40)) {
    const at = choices.below(value.length);
    return `${value.slice(0, at)}${String(choices.pick(ODD_VALUES))}${value.slice(at)}`;
  }
  return choices.pick(ODD_VALUES);
}

function deep(value: unknown): unknown {
  let tree = value;
  for (let level = 0; level < DEEP_LEVELS; level++) tree = level % 2 === 0 ? [tree] : { a: tree };
  return tree;
}

/** The bytes with a few of them changed, removed, repeated or put in. */
export function mutateBytes(bytes: Buffer, choices: Choices): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let times = 1 + choices.below(3); times > 0; times--) {
    const at = choices.below(changed.length + 1);
    const size = 1 + choices.below(8);
    const [before, after] = [changed.subarray(0, at), changed.subarray(at)];
    changed = choices.pick<() => Buffer>([
      () => Buffer.concat([before, choices.bytes(size), after]),
      () => Buffer.concat([before, after.subarray(size)]),
      () => Buffer.concat([before, choices.bytes(size), after.subarray(size)]),
      () => Buffer.concat([before, before.subarray(-size), after]),
      () => Buffer.from(before),
    ])();
  }
  return changed;
}

export type HeaderLines = readonly (readonly [name: string, value: string])[];

const ODD_HEADERS: HeaderLines = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Content-Type', 'text/html'],
  ['Content-Type', ''],
  ['Accept', 'image/*, text/plain;q=2'],
  ['Accept', ',,,;;;q='],
  ['Accept', '*/*;q=0'],
  ['Accept-Encoding', 'gzip, identity;q=0'],
  ['Content-Encoding', 'gzip'],
  ['Mesos-Stream-Id', ''],
  ['Mesos-Stream-Id', 'x'.repeat(2000)],
  ['Message-Accept', 'application/json'],
  ['Message-Content-Type', 'application/x-protobuf'],
  ['Expect', '100-continue'],
  ['Expect', 'something-else'],
  ['Connection', 'keep-alive, close'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['Range', 'bytes=0-1'],
  ['Host', 'somewhere.else'],
  ['Authorization', 'Basic \u00ff\u00fe'],
  ['Cookie', 'c'.repeat(9000)],
  ['X-Odd', 'z'.repeat(30_000)],
  ['If-None-Match', '*'],
  ['Libprocess-From', 'slave(1)@127.0.0.1:1'],
];
const MANY_HEADERS = 150;

export function mutateHeaders(headers: HeaderLines, choices: Choices): HeaderLines {
  const odd = choices.pick(ODD_HEADERS);
  if (choices.percent(25) && headers.length > 0) {
    const gone = choices.below(headers.length);
    return headers.filter((_, index) => index !== gone);
  }
  if (choices.percent(3)) {
    return [
      ...headers,
      ...Array.from({ length: MANY_HEADERS }, (_, i) => [`X-${i}`, 'y'] as const),
    ];
  }
  if (choices.percent(40)) return headers.map((one) => (one[0] === odd[0] ? odd : one));
  return [...headers, odd];
}

/** How a body is sent: whole with its length, in chunks, or against the rules. */
export type Framing = 'length' | 'chunked' | 'broken';

/** The bytes of a whole request. */
export function renderRequest(
  request: {
    readonly method: string;
    readonly path: string;
    readonly headers: HeaderLines;
    readonly body: Buffer | undefined;
  },
  framing: Framing,
  choices: Choices,
): Buffer {
  const { method, path, headers, body } = request;
  const [framed, more] = body === undefined ? [Buffer.alloc(0), []] : frame(body, framing, choices);
  const lines = [...headers, ...more].map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${path} HTTP/1.1`, 'Host: fuzz', ...lines, '', ''].join('\r\n');
  const bytes = Buffer.concat([Buffer.from(head, 'latin1'), framed]);
  return framing === 'broken' && choices.percent(30) ? mutateBytes(bytes, choices) : bytes;
}

function frame(body: Buffer, framing: Framing, choices: Choices): [Buffer, HeaderLines] {
  if (framing === 'length') return [body, [['Content-Length', String(body.length)]]];
  if (framing === 'chunked') return [chunks(body, choices), [['Transfer-Encoding', 'chunked']]];
  return choices.pick<() => [Buffer, HeaderLines]>([
    () => [body, [['Content-Length', String(body.length + choices.below(50) - 20)]]],
    () => [body, [['Content-Length', choices.pick(['', '-1', '1e3', '0x10', '9'.repeat(30)])]]],
    () => [body, [['Transfer-Encoding', choices.pick(['chunked', 'gzip, chunked', 'x'])]]],
    () => [
      chunks(body, choices),
      [
        ['Content-Length', String(body.length)],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    () => [mutateBytes(chunks(body, choices), choices), [['Transfer-Encoding', 'chunked']]],
    () => [body, []],
  ])();
}

/** The body in chunks of any size, with an extension or a trailer now and then. */
function chunks(body: Buffer, choices: Choices): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + choices.below(choices.pick([3, 40, 4000])));
    const extension = choices.percent(5) ? ';name="value"' : '';
    parts.push(Buffer.from(`${size.toString(16)}${extension}\r\n`, 'latin1'));
    parts.push(body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  parts.push(Buffer.from(choices.percent(5) ? '0\r\nTrailer: x\r\n\r\n' : '0\r\n\r\n'));
  return Buffer.concat(parts);
}
