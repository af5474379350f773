/** Which framework of a master is meant, and names that come near one that it does not know. */
import type { Asked, Choice, FrameworkFacts } from './facts.js';

/**
 * Picks the framework of an id, or of a name: one that is connected before one that is not, and that before
 * a removed one; among those, the one in the store, else the one that subscribed last. Without a word: the
 * one in the store, else the only one that is not removed.
 */
export function choose(frameworks: readonly FrameworkFacts[], { word, storedId }: Asked): Choice {
  const byId = frameworks.find(({ id }) => id === (word ?? storedId));
  if (byId !== undefined) return { kind: 'one', framework: byId, namesakes: [] };
  if (word === undefined) {
    const [only, ...others] = frameworks.filter(({ state }) => state !== 'removed');
    if (only === undefined || others.length > 0 || storedId !== undefined) return { kind: 'none' };
    return { kind: 'one', framework: only, namesakes: [] };
  }
  const named = frameworks.filter(({ name }) => name === word);
  const connected = named.filter(({ state }) => state === 'connected');
  if (connected.length > 1) return { kind: 'several', frameworks: connected };
  const away = named.filter(({ state }) => state !== 'connected' && state !== 'removed');
  const candidates = [connected, away, named].find((some) => some.length > 0) ?? [];
  const framework = candidates.find(({ id }) => id === storedId) ?? newestOf(candidates);
  if (framework === undefined) return { kind: 'none' };
  return { kind: 'one', framework, namesakes: away.filter((each) => each !== framework) };
}

function newestOf(frameworks: readonly FrameworkFacts[]): FrameworkFacts | undefined {
  return frameworks.toSorted(
    (one, other) => (other.subscribedMs ?? 0) - (one.subscribedMs ?? 0),
  )[0];
}

/** Names that somebody may have meant, the nearest first. */
export function nearNames(word: string, names: readonly string[]): readonly string[] {
  const wanted = word.toLowerCase();
  return [...new Set(names)]
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(2, Math.floor(wanted.length / 3)))
    .toSorted((one, other) => one.distance - other.distance)
    .map(({ name }) => name);
}

/** How many letters have to be put in, left out or replaced; a part of a name is near to it. */
function distanceOf(one: string, other: string): number {
  if (one !== '' && other !== '' && (one.includes(other) || other.includes(one))) return 1;
  const otherLetters = Array.from(other);
  let row = Array.from({ length: otherLetters.length + 1 }, (_, index) => index);
  for (const letter of one) {
    const next = [(row[0] ?? 0) + 1];
    for (const [index, otherLetter] of otherLetters.entries()) {
      const replaced = (row[index] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
