/**
 * The programs that simulated tasks run. The text of their command says what they do:
 * `sleep 10` · `exit 3` · `run 5s then exit 0` · `run 2m then die SIGSEGV` · `hang` · `ignore-term`
 * (runs until SIGKILL) · `fail-to-start`. Any other text ends with 127, as a shell does. All of them
 * may listen besides: `hang on 31000 answers 503 for 5s, 200 for 1m, refused for 10s, silence`; the last
 * answer holds for good.
 */
import type { ContainerEnd } from '../agent/index.js';

/** What a program that listens answers: a status, or nothing to anybody who comes, or to what it took. */
export type Answer = number | 'refused' | 'silence';

export interface Program {
  /** Whether the launch itself fails. */
  readonly failsToStart: boolean;
  /** How it ends by itself, and when; undefined: it does not. */
  readonly end: { readonly afterMs: number; readonly how: ContainerEnd } | undefined;
  readonly ignoresTerm: boolean;
  /** Where it listens. */
  readonly port: number | undefined;
  /** What it answers, and until when after its start, in order. */
  readonly answers: readonly { readonly answer: Answer; readonly untilMs: number }[];
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
  if (listening === null) return parseRun(text);
  const [, run = '', port, answers = ''] = listening;
  return { ...parseRun(run), port: Number(port), answers: parseAnswers(answers) };
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
  const run = /^run (\d+(?:\.\d+)?)(ms|s|m|h) then (?:exit (\d+)|die (SIG[A-Z]+))$/.exec(words);
  if (run === null) return endsAfter(0, exited('127'));
  const [, amount, unit = 's', code, signal] = run;
  const how: ContainerEnd = signal === undefined ? exited(code) : { kind: 'signaled', signal };
  return endsAfter(Number(amount) * (UNIT_MS[unit] ?? 1000), how);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function endsAfter(afterMs: number, how: ContainerEnd): Program {
  return { ...RUNS_ON, end: { afterMs, how } };
}

function exited(code: string | undefined): ContainerEnd {
  return { kind: 'exited', code: Number(code ?? 0) };
}
