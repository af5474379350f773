/** What `plateau simulate` tells: how far it is, what failed and how to repeat it, and the figures. */
import { performance } from 'node:perf_hooks';
import {
  type Progress,
  formatSpan,
  printLine,
  printNotice,
  startProgress,
} from '../../../core/command/index.js';
import type { FaultPlan } from '../../../core/simulation/index.js';
import type { SeedResult } from '../run-seed.js';
import { renderFaults } from './fault-list.js';
import type { ShrunkFailure } from './shrink.js';

/** Failures that are told one by one; of the others their number is. */
export const MAX_TOLD_FAILURES = 100;
/** Longest text of a failure on its line. */
const MAX_LINE_LENGTH = 300;

export class Report {
  /** What was found about the first failure. */
  shrunk: ShrunkFailure | undefined;
  readonly #module: string;
  readonly #faults: string | undefined;
  readonly #total: number;
  readonly #failures: SeedResult[] = [];
  readonly #startMs = performance.now();
  #progress: Progress | undefined;
  #done = 0;
  #failed = 0;
  #virtualMs = 0;
  #wallMs = 0;

  constructor(options: {
    readonly module: string;
    /** What was said to go wrong with every seed. */
    readonly faults: string | undefined;
    readonly total: number;
  }) {
    this.#module = options.module;
    this.#faults = options.faults;
    this.#total = options.total;
    if (options.total > 1) this.#progress = startProgress('seeds', options.total);
  }

  /** Those that failed, as far as they are kept, by seed. */
  get failures(): readonly SeedResult[] {
    return this.#failures.toSorted((one, other) =>
      one.seed.localeCompare(other.seed, 'en', { numeric: true }),
    );
  }

  /** Takes a result; `isTold`: a failure is told at once. */
  add(result: SeedResult, isTold: boolean): void {
    this.#done += 1;
    this.#virtualMs += result.virtualMs;
    if (result.failed !== undefined) {
      this.#failed += 1;
      if (this.#failed <= MAX_TOLD_FAILURES) {
        this.#failures.push(result);
        if (isTold) this.#tell(result);
      }
    }
    this.#progress?.update(this.#done, this.#failed === 0 ? '' : `${this.#failed} failed`);
  }

  /** The seeds are through, or were stopped. */
  ran(): void {
    this.#wallMs = performance.now() - this.#startMs;
    this.#progress?.dispose();
    this.#progress = undefined;
  }

  startShrinking(seed: string, tries: number): Progress {
    printNotice(`looking for fewer faults with which seed ${seed} fails …`);
    return startProgress('tries', tries);
  }

  /** Ends what shows the progress. */
  close(): void {
    if (this.#progress !== undefined) this.ran();
  }

  /** The last words. */
  *lines(isStopped: boolean): Iterable<string> {
    if (this.shrunk !== undefined) yield* this.#shrunkLines(this.shrunk);
    const { speed } = this.#figures();
    const ran = isStopped ? `${this.#done} of ${this.#total} seeds ran` : `${this.#done} seeds ran`;
    const outcome = this.#failed === 0 ? 'none failed' : `${this.#failed} failed`;
    yield (
      `${ran}, ${outcome}: ${formatSpan(this.#virtualMs)} of virtual time in ` +
        `${formatSpan(this.#wallMs)}, ${speed.toLocaleString('en')} times as fast`
    );
  }

  /** For programs. */
  toJson(isStopped: boolean): object {
    const { speed } = this.#figures();
    return {
      module: this.#module,
      seeds: this.#total,
      ran: this.#done,
      failed: this.#failed,
      isStopped,
      virtualMs: Math.round(this.#virtualMs),
      wallMs: Math.round(this.#wallMs),
      speed,
      failures: this.failures.map(({ failed, ...result }) => ({
        ...result,
        ...failed,
        repeat: this.#repeat(result.seed),
      })),
      ...(this.shrunk !== undefined && {
        shrunk: { ...this.shrunk, repeat: this.#repeat(this.shrunk.seed, this.shrunk.plan) },
      }),
    };
  }

  #figures(): { readonly speed: number } {
    return { speed: Math.round(this.#virtualMs / Math.max(1, this.#wallMs)) };
  }

  #tell({ seed, failed }: SeedResult): void {
    if (failed === undefined) return;
    const [first = '', second = ''] = failed.message.split('\n');
    const line = first.endsWith(':') ? `${first} ${second.trim()}` : first;
    // The bar is drawn anew below what is told.
    if (process.stderr.isTTY && this.#progress !== undefined) process.stderr.write('\r\u001B[K');
    printLine(
      `seed ${seed} failed at ${formatSpan(failed.atMs)}: ${line.slice(0, MAX_LINE_LENGTH)}\n` +
        `  repeat: ${this.#repeat(seed)}`,
    );
    if (this.#total === 1) printLine(failed.message);
    if (failed.trace !== undefined) printNotice(failed.trace);
  }

  #repeat(seed: string, plan?: FaultPlan): string {
    const faults = plan === undefined ? this.#faults : JSON.stringify(plan);
    const words = ['plateau simulate', quoted(this.#module), `--seed ${quoted(seed)}`];
    return [...words, ...(faults === undefined ? [] : [`--faults ${quoted(faults)}`])].join(' ');
  }

  *#shrunkLines({ seed, plan, tries, isMinimal, message }: ShrunkFailure): Iterable<string> {
    yield '';
    if (plan.length === 0) {
      yield `seed ${seed} fails without any fault: ${message}`;
    } else {
      const more = isMinimal ? '' : '; fewer may do';
      yield `seed ${seed} fails with ${plan.length} faults (${tries} tries${more}): ${message}`;
      yield renderFaults(plan);
    }
    yield `  repeat: ${this.#repeat(seed, plan)}`;
    yield '';
  }
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./#@:=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
