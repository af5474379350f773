/** What is asked of jobs: whether it makes sense, with refusals that say why not, and what it means. */
import { createHash } from 'node:crypto';
import { refuse } from '../../sdk/index.js';
import type { JobData } from './document.js';
import type { IndexRanges } from './index-ranges.js';
import type { Job } from './job.js';
import type { JobBook } from './job-book.js';
import type { Dependency } from './job-record.js';
import { MAX_ALL_INDEXES, MAX_JOBS } from './limits.js';
import { type Step, indexesOf } from './step.js';

/**
 * A step of a job; without a name, the only one.
 * @throws RequestRefused 404, or 422 when there are several and none is named.
 */
export function stepOf(job: Job, name?: string): Step {
  if (name === undefined || name === '') {
    const [only, ...others] = job.steps;
    if (only !== undefined && others.length === 0) return only;
    const names = job.steps.map((step) => step.name).join(', ');
    throw refuse(422, `the job '${job.name}' has several steps: name one of ${names}`);
  }
  const step = job.step(name);
  if (step === undefined) throw refuse(404, `the job '${job.name}' has no step '${name}'`);
  return step;
}

/** The job that a submission repeats. */
export function repeatedJob(
  book: JobBook,
  submission: {
    readonly name: string;
    readonly fingerprint: string;
    readonly idempotencyKey?: string | undefined;
  },
): Job | undefined {
  const { name, fingerprint, idempotencyKey } = submission;
  const job = book.get(name);
  if (job === undefined) return undefined;
  const { record } = job;
  const isSameKey = idempotencyKey !== undefined && record.idempotencyKey === idempotencyKey;
  if (isSameKey && record.fingerprint === fingerprint) return job;
  throw refuse(
    409,
    isSameKey
      ? `the job '${name}' was submitted with this key and another document`
      : `there is a job '${name}' already: it is ${job.state}; choose another name, or remove it when it has ended`,
  );
}

/** @throws RequestRefused 429. */
export function refuseTooMany(book: JobBook, document: JobData): void {
  if (book.size >= MAX_JOBS) throw refuse(429, `there are ${MAX_JOBS} jobs already`);
  const arrays = document.steps ?? [document];
  const count = arrays.reduce((sum, array) => sum + indexesOf(array).size, 0);
  if (book.indexes + count > MAX_ALL_INDEXES) {
    throw refuse(
      429,
      `all jobs together would have more than ${MAX_ALL_INDEXES} indexes: there are ${book.indexes}`,
    );
  }
}

/** @throws RequestRefused 422 with all jobs that are not there. */
export function dependenciesOf(book: JobBook, document: JobData): readonly Dependency[] {
  const { afterOk = [], afterAny = [], afterFail = [], name } = document;
  const lists = [
    { field: 'afterOk', when: 'ok', jobs: afterOk },
    { field: 'afterAny', when: 'any', jobs: afterAny },
    { field: 'afterFail', when: 'fail', jobs: afterFail },
  ] as const;
  const problems = lists.flatMap(({ field, jobs }) =>
    jobs.flatMap((job, place) => {
      if (job !== name && book.get(job) !== undefined) return [];
      const message =
        job === name ? 'is the job itself' : `names '${job}', which is no job: submit it first`;
      return [{ path: `body.${field}[${place}]`, message }];
    }),
  );
  if (problems.length > 0) {
    const texts = problems.map(({ path, message }) => `${path} ${message}`);
    throw refuse(422, texts.join('; '), problems);
  }
  return lists.flatMap(({ when, jobs }) => jobs.map((job) => ({ job, when })));
}

/** What is to be run anew. @throws RequestRefused 409, 422. */
export function toRerun(
  job: Job,
  selection: { readonly step?: Step; readonly indexes?: IndexRanges },
): ReadonlyMap<Step, IndexRanges> {
  const { indexes } = selection;
  if (indexes === undefined) {
    const steps = selection.step === undefined ? job.steps : [selection.step];
    return new Map(steps.map((step) => [step, notSucceeded(step)]));
  }
  const step = selection.step ?? stepOf(job);
  refuseForeign(job, step, indexes);
  for (const index of indexes) {
    if (!step.array.isIndexSettled(index)) throw conflict(job, `index ${index} has not ended`);
  }
  return new Map([[step, indexes]]);
}

/** Indexes of a step that have ended without success. */
export function notSucceeded({ array }: Step): IndexRanges {
  const indexes = array.failed.clone();
  indexes.addAll(array.cancelled);
  return indexes;
}

export function setParallelism(
  job: Job,
  step: Step | undefined,
  parallelism: number | undefined,
): void {
  const [first, ...others] = job.steps;
  const only = others.length === 0 ? first : undefined;
  const changed = step ?? only;
  if (changed !== undefined) {
    job.setParallelism(changed, parallelism);
    return;
  }
  const { parallelism: _before, ...rest } = job.document;
  job.update({ document: { ...rest, ...(parallelism === undefined ? {} : { parallelism }) } });
}

/** @throws RequestRefused 422. */
export function refuseForeign(job: Job, { array }: Step, indexes: IndexRanges): void {
  const known = array.indexes.intersection(indexes);
  if (known.size === indexes.size && !indexes.isEmpty) return;
  const foreign = indexes.clone();
  foreign.removeAll(known);
  throw refuse(
    422,
    indexes.isEmpty
      ? 'no index is named'
      : `the job '${job.name}' has no indexes ${shortened(foreign)}: it has ${shortened(array.indexes)}`,
  );
}

export function refuseEnding(job: Job): void {
  if (job.isFinished) throw conflict(job, 'it has ended');
  if (job.record.ending !== undefined) throw conflict(job, 'its tasks are being ended');
}

export function conflict(job: Job, what: string): Error {
  return refuse(409, `the job '${job.name}' is ${job.state}: ${what}`);
}

export function shortened(indexes: IndexRanges): string {
  const text = indexes.toString();
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

/** A document as plain data, as it is stored. What is `null` is left out: it is as if it was not there. */
export function plainDocument(document: JobData): JobData {
  const text = JSON.stringify(document, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
      : value,
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy of what has that type
  return JSON.parse(text) as JobData;
}

/** Equal for documents that say the same, whatever the order of their fields. */
export function fingerprintOf(document: JobData): string {
  const text = JSON.stringify(document, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  });
  return createHash('sha256').update(text).digest('base64url');
}
