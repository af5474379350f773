/** Counting words: the one idea that map and reduce share. */

/** How often each word occurs. */
export type WordCounts = ReadonlyMap<string, number>;

const WORD = /[\p{L}][\p{L}\p{N}'’]*/gu;

/** Counts the words of a text; upper and lower case are the same word. */
export function countWords(
  text: string,
  into: Map<string, number> = new Map(),
): Map<string, number> {
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    into.set(word, (into.get(word) ?? 0) + 1);
  }
  return into;
}

/** Writes counts as lines `count<TAB>word`, the most frequent first, equal ones by their letters. */
export function formatCounts(counts: WordCounts): string {
  return [...counts]
    .toSorted(([word, count], [otherWord, otherCount]) =>
      count === otherCount ? compare(word, otherWord) : otherCount - count,
    )
    .map(([word, count]) => `${count}\t${word}\n`)
    .join('');
}

/**
 * Adds the counts of a text that `formatCounts` wrote.
 * @throws Error naming the line that is not of that form.
 */
export function addCounts(text: string, into: Map<string, number>): Map<string, number> {
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const match = /^(\d+)\t(\S+)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new Error(`line ${index + 1} is not 'count<TAB>word': ${JSON.stringify(line)}`);
    }
    into.set(match[2], (into.get(match[2]) ?? 0) + Number(match[1]));
  }
  return into;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
