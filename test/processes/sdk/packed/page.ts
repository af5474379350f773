/**
 * A page that can be followed: its files and commands in order. What follows the language of a fenced
 * block is not shown to readers:
 *
 * `title=hello.ts`: the block is a file. `sh`: commands that have to succeed; `sh again`: tried again
 * until they say what the page says; `sh background=NAME`: goes on, in a terminal of its own. `text`: what
 * the commands before it print, line by line; `…` stands for anything. `<!-- ctrl-c NAME -->` ends what
 * goes on.
 */

export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | {
      readonly kind: 'commands';
      readonly text: string;
      /** Name of the terminal in which they go on. */
      readonly background: string | undefined;
      readonly isRepeated: boolean;
      /** Lines that have to be printed. */
      readonly expected: readonly string[];
    }
  | { readonly kind: 'end'; readonly background: string };

const PART = /^```(\w*)(?: ([^\n]*))?\n([^]*?)^```$|^<!-- ctrl-c (\w+) -->$/gm;

/** The steps of a page. Blocks of a language alone are left out: they are there to be read. */
export function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = [];
  for (const [, language, info = '', text = '', ended] of page.matchAll(PART)) {
    const title = attribute(info, 'title');
    const last = steps.at(-1);
    if (ended !== undefined) {
      steps.push({ kind: 'end', background: ended });
    } else if (language === 'sh') {
      const isRepeated = info.split(' ').includes('again');
      const background = attribute(info, 'background');
      steps.push({ kind: 'commands', text, background, isRepeated, expected: [] });
    } else if (language === 'text' && last?.kind === 'commands') {
      steps.pop();
      steps.push({ ...last, expected: text.trimEnd().split('\n') });
    } else if (title !== undefined) {
      steps.push({ kind: 'file', name: title, text });
    }
  }
  return steps;
}

function attribute(info: string, name: string): string | undefined {
  const words = info.split(' ');
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The first of some lines that a text does not have, after those before it; undefined: it has all. */
export function missingLine(text: string, expected: readonly string[]): string | undefined {
  let rest = text;
  for (const line of expected) {
    const parts = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const match = new RegExp(parts.join('.*?')).exec(rest);
    if (match === null) return line;
    rest = rest.slice(match.index + match[0].length);
  }
  return undefined;
}
