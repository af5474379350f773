/** What pages refer to: files, headings, tests by their titles, and names in the source. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryFile } from './reference.js';

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(repositoryFile(path), 'utf8');
}

export interface Link {
  readonly text: string;
  /** From the root of the repository. */
  readonly file: string;
}

/** Links into the source, with the page's line breaks taken out of their texts. */
export function sourceLinks(page: string): readonly Link[] {
  return [...read(page).matchAll(/\[([^\]]+)\]\(([^)#\s]+\.ts)\)/g)].map(
    ([, text = '', target = '']) => ({
      text: text.replaceAll(/\s+/g, ' '),
      file: join(dirname(page), target),
    }),
  );
}

/** Whether a link leads to the test that its text names. */
export function isTest({ text, file }: Link): boolean {
  const title = /^"(.*)"$/.exec(text)?.[1] ?? text;
  const call = new RegExp(`(?:it|describe)\\(\\s*(['\`])${escaped(title)}\\1`);
  return existsSync(repositoryFile(file)) && call.test(read(file));
}

/** Whether a file exports a name, or has the member of a class or interface that it exports. */
export function hasSymbol(source: string, symbol: string): boolean {
  const [name = '', member] = symbol.split('.');
  const kinds = '(?:abstract )?(?:class|interface|type|function\\*?|const)';
  const from = source.search(new RegExp(`^export (?:async )?${kinds} ${escaped(name)}\\b`, 'm'));
  if (from < 0) return false;
  if (member === undefined) return true;
  const end = source.slice(from).search(/^\}/m);
  const body = source.slice(from, from + end);
  return new RegExp(
    `^ {2}(?:@\\w+\\([^)]*\\) )?(?:readonly |async |get |\\*)*${escaped(member)}\\b`,
    'm',
  ).test(body);
}

/** The links of a page that lead to no file, or to no heading of one. */
export function brokenLinks(page: string): readonly string[] {
  const links = [...read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)];
  const broken = links.filter(([, target = '', anchor]) => {
    if (/^[a-z]+:/.test(target)) return false;
    const path = target === '' ? page : join(dirname(page), target);
    if (!existsSync(repositoryFile(path))) return true;
    return anchor !== undefined && !anchorsOf(read(path)).has(anchor);
  });
  return broken.map(([link]) => link);
}

/** The names by which a page's headings are linked. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
