/** A step of a job: an array, what its tasks are, and how many of them run. */
import { ArrayState, type LiveTask } from './array-state.js';
import type { JobData, TemplateDocument } from './document.js';
import { IndexRanges } from './index-ranges.js';
import type { StoredStep } from './job-record.js';

/** A task whose index does not wait for it any more: it was cancelled, or replaced. */
export interface Stray {
  readonly step: Step;
  readonly index: number;
  readonly task: LiveTask;
  /** Another task has taken its place. */
  readonly isReplaced: boolean;
  /** Whether it counts against the throttle: its end is not known. */
  holdsSlot: boolean;
}

export class Step {
  readonly number: number;
  readonly name: string;
  /** Of its tasks. */
  readonly taskName: string;
  readonly template: TemplateDocument;
  readonly needs: readonly string[];
  readonly array: ArrayState;
  /** Tasks at one time; undefined: no bound. */
  parallelism: number | undefined;
  failures: number;
  faults: number;
  /** Tasks that were replaced while they may have run. */
  replaced: number;
  /** When a task of it ended last. */
  lastEndedAt = 0;
  /** Strays that are within reach: they end soon, and the job does not end before. */
  straysEnding = 0;
  /** Strays that count against the throttle. */
  straysHoldingSlots = 0;

  constructor(parts: {
    readonly number: number;
    readonly name: string;
    readonly taskName: string;
    readonly template: TemplateDocument;
    readonly needs: readonly string[];
    readonly array: ArrayState;
    readonly parallelism: number | undefined;
    readonly stored: StoredStep | undefined;
  }) {
    this.number = parts.number;
    this.name = parts.name;
    this.taskName = parts.taskName;
    this.template = parts.template;
    this.needs = parts.needs;
    this.array = parts.array;
    this.parallelism = parts.parallelism;
    this.failures = parts.stored?.failures ?? 0;
    this.faults = parts.stored?.faults ?? 0;
    this.replaced = parts.stored?.replaced ?? 0;
  }

  get hasSucceeded(): boolean {
    return this.array.succeeded.size === this.array.indexes.size;
  }

  /** Tasks that count against its throttle. */
  get load(): number {
    return this.array.live.size + this.straysHoldingSlots;
  }

  /** How many tasks it may start now. */
  get room(): number {
    return this.parallelism === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.parallelism - this.load);
  }
}

/** The indexes that a document asks for. */
export function indexesOf(array: {
  readonly completions?: number | undefined;
  readonly indexes?: string | undefined;
}): IndexRanges {
  return array.indexes === undefined
    ? IndexRanges.span(0, (array.completions ?? 1) - 1)
    : IndexRanges.parse(array.indexes);
}

/** The steps of a document, with what is stored of them. */
export function stepsOf(
  document: JobData,
  stored: readonly (StoredStep | undefined)[] = [],
): readonly Step[] {
  const { name, template, steps } = document;
  const listed = steps ?? [{ ...document, template, name: '', needs: [] }];
  return listed.map((step, number) => {
    const of = stored[number];
    return new Step({
      number,
      name: step.name,
      taskName: step.name === '' ? name : `${name}.${step.name}`,
      template: step.template ?? EMPTY_TEMPLATE,
      needs: step.needs ?? [],
      array: new ArrayState(indexesOf(step), of),
      parallelism: step.parallelism,
      stored: of,
    });
  });
}

/** Never used: a document has a template or steps, which is checked before. */
const EMPTY_TEMPLATE: TemplateDocument = { cpus: 0.1, memMiB: 32 };
