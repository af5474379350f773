/** Reads which file imports which, and finds cycles. Knows nothing of what is allowed. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix, sep } from 'node:path';

export interface ImportEdge {
  /** Paths from the root, with `/`. */
  readonly from: string;
  readonly to: string;
  readonly isDynamic: boolean;
}

/** All imports of one TypeScript file of the folders by another one of the tree. */
export function readImports(root: string, folders: readonly string[]): readonly ImportEdge[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => filesBelow(root, folder))
    .flatMap((file) => importsOf(root, file));
}

function filesBelow(root: string, folder: string): readonly string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => posix.join(folder, name.split(sep).join('/')))
    .toSorted();
}

function importsOf(root: string, file: string): readonly ImportEdge[] {
  const source = withoutComments(readFileSync(join(root, file), 'utf8'));
  const edges: ImportEdge[] = [];
  for (const { specifier, isDynamic } of specifiersOf(source)) {
    if (!specifier.startsWith('.')) continue;
    const target = posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
    edges.push({ from: file, to: target, isDynamic });
  }
  return edges;
}

/** What may stand between `import` or `export` and `from`. */
const FROM = /\b(?:import|export)\s+(?:type\s+)?[\w$*{}\s,]*?\s*\bfrom\s*['"]([^'"\n]+)['"]/g;
const BARE = /\bimport\s*['"]([^'"\n]+)['"]/g;
const CALL = /\bimport\s*\(\s*['"]([^'"\n]+)['"]/g;

/** The module specifiers of a source text without comments. */
export function specifiersOf(
  source: string,
): readonly { readonly specifier: string; readonly isDynamic: boolean }[] {
  const found: { specifier: string; isDynamic: boolean }[] = [];
  for (const pattern of [FROM, BARE, CALL]) {
    for (const [, specifier = ''] of source.matchAll(pattern)) {
      found.push({ specifier, isDynamic: pattern === CALL });
    }
  }
  return found;
}

/** Removes comments and the texts of templates, and leaves other strings alone. */
export function withoutComments(source: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(token, (text) => {
    if (text.startsWith('/')) return ' ';
    return text.startsWith('`') ? '``' : text;
  });
}

/** One cycle for each group of nodes that reach each other, as the path around it. */
export function findCycles(
  edges: readonly { readonly from: string; readonly to: string }[],
): readonly (readonly string[])[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    if (from === to) continue;
    targets.set(from, (targets.get(from) ?? new Set()).add(to));
  }
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): void => {
    const start = path.indexOf(node);
    if (start >= 0) cycles.push([...path.slice(start), node]);
    if (start >= 0 || finished.has(node)) return;
    path.push(node);
    for (const next of [...(targets.get(node) ?? [])].toSorted()) visit(next);
    path.pop();
    finished.add(node);
  };
  for (const node of [...targets.keys()].toSorted()) visit(node);
  return cycles;
}
