/** One thing that the doctor has found. */
export interface Finding {
  /** `problem`: it keeps the framework from working; `note`: good to know. */
  readonly severity: 'problem' | 'note';
  /** A plain sentence. */
  readonly what: string;
  /** What to do about it. */
  readonly remedy: string;
}

export function problem(what: string, remedy: string): Finding {
  return { severity: 'problem', what, remedy };
}

export function note(what: string, remedy: string): Finding {
  return { severity: 'note', what, remedy };
}

/** `1 agent`, `2 agents`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first texts of a list, and how many there are more. */
export function firstOf(texts: readonly string[], most = MOST_NAMED): string {
  const more = texts.length - most;
  return texts.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const MOST_NAMED = 5;
