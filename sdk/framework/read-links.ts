/** What the parts of the reader share: the classes of a framework, and where they put their complaints. */

/** Takes what is wrong, as a sentence without its full stop. */
export type Complain = (problem: string) => void;

/** One class among those of a framework. */
export interface Link {
  readonly theClass: object;
  readonly prototype: object;
  readonly name: string;
}
