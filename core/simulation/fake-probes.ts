/**
 * Probes on a simulated host. A connection finds the program that listens on its port, and hears what
 * that answers at the time; a command is a program itself (see `programs.ts`), or `ask <port>`, which
 * ends with 0 when the program there answers well.
 */
import type { ProbeListener, ProbeOutcome, ProbeSpec } from '../agent/index.js';
import type { Clock, Disposable } from '../base/index.js';
import { type Answer, type Program, parseProgram } from './programs.js';

/** A program that runs, and since when, on the clock of its host. */
export interface RunningProgram {
  readonly program: Program;
  readonly startedMs: number;
}

/** Time that an answer takes. */
const ANSWER_MS = 1;

/** Probes once; `programs` are those that run when the answer is given. */
export function fakeProbe(
  spec: ProbeSpec,
  listener: ProbeListener,
  host: { readonly clock: Clock; readonly programs: () => Iterable<RunningProgram> },
): Disposable {
  const command = spec.type === 'COMMAND' ? (spec.command.value ?? '') : undefined;
  const ends = command === undefined ? undefined : parseProgram(command);
  const asked = /^ask (\d+)$/.exec(command ?? '')?.[1];
  const delayMs = asked === undefined ? (ends?.end?.afterMs ?? 0) : 0;
  listener.begun();
  return host.clock.setTimer(ANSWER_MS + delayMs, () => {
    const port = spec.type === 'COMMAND' ? Number(asked) : spec.port;
    const isOwnProgram = ends !== undefined && asked === undefined;
    const outcome = isOwnProgram
      ? outcomeOfCommand(ends)
      : outcomeOfAnswer(spec, answerOn(port, host));
    if (outcome !== undefined) listener.done(outcome);
  });
}

function outcomeOfCommand(program: Program): ProbeOutcome | undefined {
  const how = program.end?.how;
  if (program.failsToStart) return { kind: 'failed', message: 'the command cannot be started' };
  if (how === undefined) return undefined;
  if (how.kind === 'exited') return how;
  const message = how.kind === 'signaled' ? how.signal : how.message;
  return { kind: 'failed', message };
}

function outcomeOfAnswer(spec: ProbeSpec, answer: Answer): ProbeOutcome | undefined {
  if (answer === 'silence') return undefined;
  if (spec.type === 'COMMAND') {
    const isWell = answer !== 'refused' && answer >= 200 && answer < 400;
    return { kind: 'exited', code: isWell ? 0 : 1 };
  }
  if (answer === 'refused') return { kind: 'failed', message: 'connection refused' };
  return spec.type === 'TCP' ? { kind: 'connected' } : { kind: 'answered', status: answer };
}

function answerOn(
  port: number,
  host: { readonly clock: Clock; readonly programs: () => Iterable<RunningProgram> },
): Answer {
  for (const { program, startedMs } of host.programs()) {
    if (program.port !== port) continue;
    const ranMs = host.clock.elapsed() - startedMs;
    return program.answers.find(({ untilMs }) => ranMs < untilMs)?.answer ?? 'refused';
  }
  return 'refused';
}
