/**
 * Documents that people write: YAML or JSON, checked by a class, all problems told at once and each with
 * its line. JSON is read as YAML, of which it is a part, so that both get the same messages.
 */
import { PlateauError } from '../../core/base/index.js';
import { LineCounter, type Node, type ParsedNode, parseAllDocuments } from 'yaml';
import { type Problem, type Shape, checkShape } from '../framework/index.js';

/** Longest document, in characters. */
export const MAX_DOCUMENT_LENGTH = 4_000_000;
/** Documents in one file, with `---` between them. */
export const MAX_DOCUMENTS = 1_000;
/** Places at which anchors of YAML may be used: more would blow a small text up. */
const MAX_ALIASES = 1_000;

/** A problem with the place where it is. */
export interface DocumentProblem extends Problem {
  /** From 1; of the value, or of what lacks it. */
  readonly line: number;
  readonly column: number;
}

/** A file that cannot be read as what it is to be. The message lists all problems, a line each. */
export class DocumentError extends PlateauError {
  readonly problems: readonly DocumentProblem[];

  constructor(source: string, problems: readonly DocumentProblem[]) {
    const lines = problems.map(
      ({ path, message, line, column }) =>
        `${source}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`,
    );
    super('INVALID_REQUEST', lines.join('\n'), { context: { source, problems: problems.length } });
    this.problems = problems;
  }
}

export interface DocumentOptions {
  /** How messages name the text: a file, `stdin`. */
  readonly source: string;
}

/**
 * All documents of a text, each an instance of the class.
 * @throws DocumentError with everything that is wrong in any of them.
 */
export function readDocuments<T extends object>(
  text: string,
  shape: Shape<T>,
  { source }: DocumentOptions,
): readonly T[] {
  const lines = new LineCounter();
  const documents = parse(text, lines, source);
  const problems: DocumentProblem[] = [];
  const values: T[] = [];
  for (const document of documents) {
    for (const { message, pos } of document.errors) {
      problems.push({ path: '', message: withoutPlace(message), ...place(lines, pos[0]) });
    }
    if (document.errors.length > 0) continue;
    try {
      const checked = checkShape(shape, document.toJS({ maxAliasCount: MAX_ALIASES }));
      if (checked.kind === 'good') values.push(checked.value);
      else {
        for (const problem of checked.problems) {
          problems.push({ ...problem, ...placeOf(lines, document.contents, problem.path) });
        }
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ path: '', message, ...place(lines, document.range[0]) });
    }
  }
  if (problems.length > 0) throw new DocumentError(source, problems);
  return values;
}

/**
 * The one document of a text.
 * @throws DocumentError as `readDocuments`, and when there are several.
 */
export function readDocument<T extends object>(
  text: string,
  shape: Shape<T>,
  options: DocumentOptions,
): T {
  const [first, ...others] = readDocuments(text, shape, options);
  if (first !== undefined && others.length === 0) return first;
  const message = `holds ${others.length + 1} documents where one is expected`;
  throw new DocumentError(options.source, [{ path: '', message, line: 1, column: 1 }]);
}

function parse(
  text: string,
  lineCounter: LineCounter,
  source: string,
): ReturnType<typeof parseAllDocuments<ParsedNode>> & { length: number } {
  const refuse = (message: string): DocumentError =>
    new DocumentError(source, [{ path: '', message, line: 1, column: 1 }]);
  if (text.length > MAX_DOCUMENT_LENGTH) {
    throw refuse(`is longer than ${MAX_DOCUMENT_LENGTH} characters`);
  }
  const documents = parseAllDocuments(text, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: true,
    version: '1.2',
  });
  if (documents.length === 0) throw refuse('is empty');
  if (documents.length > MAX_DOCUMENTS) throw refuse(`holds more than ${MAX_DOCUMENTS} documents`);
  return documents;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function place(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where the value of a path is; where it lacks, where its nearest owner is. */
function placeOf(lines: LineCounter, root: ParsedNode | null, path: string): Place {
  let node: unknown = root;
  let at = root?.range[0] ?? 0;
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    const pair = pairOf(node, step);
    if (pair === undefined) break;
    at = pair.at;
    node = pair.value;
  }
  return place(lines, at);
}

/** A member of a mapping or a sequence, with where it begins: a key is more to the point than its value. */
function pairOf(
  node: unknown,
  step: string,
): { readonly at: number; readonly value: unknown } | undefined {
  const items = isCollection(node) ? node.items : [];
  for (const [index, item] of items.entries()) {
    if (isPair(item)) {
      if (String(item.key?.value) === step) return { at: startOf(item.key), value: item.value };
    } else if (String(index) === step) {
      return { at: startOf(item), value: item };
    }
  }
  return undefined;
}

interface KeyNode {
  readonly value?: unknown;
  readonly range?: Node['range'];
}

function isCollection(node: unknown): node is { readonly items: readonly unknown[] } {
  return typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items);
}

function isPair(item: unknown): item is { readonly key: KeyNode | null; readonly value: unknown } {
  return typeof item === 'object' && item !== null && 'key' in item && 'value' in item;
}

function startOf(node: unknown): number {
  const range: unknown =
    typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  const start: unknown = Array.isArray(range) ? range[0] : undefined;
  return typeof start === 'number' ? start : 0;
}

/** The parser's messages end with the place, which is told already. */
function withoutPlace(message: string): string {
  return message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '');
}
