/** What the tasks of the job are told through their environment. Map tasks load this: it imports nothing large. */
import { fileURLToPath } from 'node:url';

/** The file that every task leaves in its sandbox. */
export const RESULT = 'counts.tsv';

export interface Told {
  /** Absolute paths of what is counted. */
  readonly input: readonly string[];
  readonly master: string;
  /** Of the admin interface of the batch scheduler; undefined: the master is asked for it. */
  readonly batch?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function environmentOf({ input, master, batch }: Told): Readonly<Record<string, string>> {
  return {
    NODE: process.execPath,
    PROGRAMS: fileURLToPath(new URL('.', import.meta.url)),
    INPUT: input.join('\n'),
    PLATEAU_MASTER: master,
    ...(batch === undefined ? {} : { PLATEAU_BATCH: batch }),
  };
}

export function inputOf({ INPUT = '' }: Environment): readonly string[] {
  return INPUT.split('\n');
}
