/**
 * The programs that simulated tasks run. The text of their command says what they do:
 * `sleep 10` · `exit 3` · `run 5s then exit 0` · `run 2m then die SIGSEGV` · `hang` · `ignore-term`
 * (runs until SIGKILL) · `fail-to-start`. Any other text ends with 127, as a shell does.
 *
 * Lives may be drawn from the seed: `run between 10s and 60s then exit 0` (evenly), `run about 30s then
 * exit 0` (exponentially, with that mean). What follows may come behind any of them, in this order:
 * ` heeding SIGTERM after 5s` (it goes on for so long), ` failing to start in 10%` (of the starts), and
 * ` on 31000 answers 503 for 5s, 200 for 1m, refused for 10s, silence` (it listens; the last answer holds
 * for good).
 */
import type { ContainerEnd } from '../agent/index.js';
import type { Random } from '../base/index.js';

/** What a program that listens answers: a status, or nothing to anybody who comes, or to what it took. */
export type Answer = number | 'refused' | 'silence';

export interface Program {
  /** Whether the launch itself fails. */
  readonly failsToStart: boolean;
  /** How it ends by itself, and when; undefined: it does not. */
  readonly end: ProgramEnd | undefined;
  readonly ignoresTerm: boolean;
  /** How long it goes on after SIGTERM; undefined: it ends at once, unless it ignores the signal. */
  readonly termMs?: number;
  /** How likely the launch fails, from 0 to 1; undefined: see `failsToStart`. */
  readonly startFailures?: number;
  /** Where it listens. */
  readonly port: number | undefined;
  /** What it answers, and until when after its start, in order. */
  readonly answers: readonly { readonly answer: Answer; readonly untilMs: number }[];
}

/** The end that a program comes to by itself. */
export interface ProgramEnd {
  /** After so long; with `spread` the least, or the mean, of what is drawn. */
  readonly afterMs: number;
  readonly how: ContainerEnd;
  /** Evenly up to `mostMs`, or exponentially. */
  readonly spread?: { readonly mostMs: number } | 'exponential';
}

/** How long a program runs, where that is drawn. */
export function drawLife({ afterMs, spread }: ProgramEnd, random: Random): number {
  if (spread === undefined) return afterMs;
  if (spread === 'exponential') return -Math.log(1 - random.next()) * afterMs;
  return afterMs + random.next() * Math.max(0, spread.mostMs - afterMs);
}

const RUNS_ON: Program = {
  failsToStart: false,
  end: undefined,
  ignoresTerm: false,
  port: undefined,
  answers: [],
};

/** The program of a command text. Never throws. */
export function parseProgram(text: string): Program {
  const listening = /^(.*) on (\d+) answers (.*)$/.exec(text);
  if (listening !== null) {
    const [, rest = '', port, answers = ''] = listening;
    return { ...parseProgram(rest), port: Number(port), answers: parseAnswers(answers) };
  }
  const failing = /^(.*) failing to start in (\d+(?:\.\d+)?)%$/.exec(text);
  if (failing !== null) {
    const [, rest = '', percent] = failing;
    return { ...parseProgram(rest), startFailures: Number(percent) / 100 };
  }
  const heeding = /^(.*) heeding SIGTERM after (\S+)$/.exec(text);
  const termMs = durationOf(heeding?.[2]);
  if (termMs === undefined) return parseRun(text);
  return { ...parseRun(heeding?.[1] ?? ''), termMs };
}

/** Milliseconds of a text such as `1.5h`. */
function durationOf(text: string | undefined): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? '') ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 1000);
}

function parseAnswers(text: string): Program['answers'] {
  let untilMs = 0;
  return text.split(',').map((part) => {
    const [, what = '', amount, unit = 's'] =
      /^\s*(\d+|refused|silence)(?: for (\d+(?:\.\d+)?)(ms|s|m|h))?\s*$/.exec(part) ?? [];
    const forMs = amount === undefined ? Number.POSITIVE_INFINITY : Number(amount);
    untilMs += forMs * (UNIT_MS[unit] ?? 1000);
    const answer = what === 'refused' || what === 'silence' ? what : Number(what);
    return { answer, untilMs };
  });
}

function parseRun(text: string): Program {
  const words = text.trim();
  if (words === 'hang') return RUNS_ON;
  if (words === 'ignore-term') return { ...RUNS_ON, ignoresTerm: true };
  if (words === 'fail-to-start') return { ...RUNS_ON, failsToStart: true };
  const exit = /^exit (\d+)$/.exec(words);
  if (exit !== null) return endsAfter(0, exited(exit[1]));
  const sleep = /^sleep (\d+(?:\.\d+)?)$/.exec(words);
  if (sleep !== null) return endsAfter(Number(sleep[1]) * 1000, exited('0'));
  return parseLife(words) ?? endsAfter(0, exited('127'));
}

function parseLife(words: string): Program | undefined {
  const [, life = '', code, signal] =
    /^run (.+) then (?:exit (\d+)|die (SIG[A-Z]+))$/.exec(words) ?? [];
  const how: ContainerEnd = signal === undefined ? exited(code) : { kind: 'signaled', signal };
  const [, least, most] = /^between (\S+) and (\S+)$/.exec(life) ?? [];
  const mostMs = durationOf(most);
  const mean = /^about (\S+)$/.exec(life)?.[1];
  const afterMs = durationOf(least ?? mean ?? life);
  if (afterMs === undefined) return undefined;
  if (mean !== undefined) return endsAfter(afterMs, how, 'exponential');
  if (least === undefined) return endsAfter(afterMs, how);
  return mostMs === undefined ? undefined : endsAfter(afterMs, how, { mostMs });
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function endsAfter(afterMs: number, how: ContainerEnd, spread?: ProgramEnd['spread']): Program {
  return { ...RUNS_ON, end: { afterMs, how, ...(spread !== undefined && { spread }) } };
}

function exited(code: string | undefined): ContainerEnd {
  return { kind: 'exited', code: Number(code ?? 0) };
}
