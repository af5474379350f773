/**
 * A recording of what passed between a live framework and its master: what the framework had stored when it
 * began, then one line of JSON for each event and call, with the time. The test kit plays it to newer code
 * and compares what that decides.
 */
import {
  type SchedulerCall,
  type SchedulerEvent,
  decodeJson,
  encodeJson,
} from '../../core/api/index.js';
import { type Clock, PlateauError, errorMessage, isRecord } from '../../core/base/index.js';
import type { Interceptor, Traffic } from './interceptors.js';

/** One line of a recording. Times are milliseconds since the first line. */
export type RecordedTraffic = Traffic & { readonly atMs: number };

/** One record of what was stored when the recording began. */
export interface RecordedState {
  readonly key: string;
  readonly value: string;
}

/** What was read of a recording. */
export interface Recording {
  readonly traffic: readonly RecordedTraffic[];
  /** Wall time at its begin, in milliseconds since 1970; undefined: it was not noted. */
  readonly nowMs: number | undefined;
  readonly state: readonly RecordedState[];
}

/** Format of the lines; the first line names it. */
export const RECORDING_FORMAT = 1;

/** Heads of recordings, such as `{"plateau_recording":1}`. */
const HEAD = `{"plateau_recording":${RECORDING_FORMAT}}`;

/**
 * Writes a recording line by line. It is for one run of a framework, from its begin.
 * @param write gets each line without its end.
 * @param state what the framework had stored; by default it begins with nothing.
 */
export function record(
  clock: Clock,
  write: (line: string) => void,
  state: readonly RecordedState[] = [],
): Interceptor {
  let startMs: number | undefined;
  return (traffic, next) => {
    if (startMs === undefined) {
      startMs = clock.elapsed();
      write(HEAD);
      write(JSON.stringify({ now: clock.now() }));
      for (const { key, value } of state) write(JSON.stringify({ key, value }));
    }
    const atMs = Math.round((clock.elapsed() - startMs) * 1000) / 1000;
    const message =
      traffic.direction === 'in'
        ? `"in":${encodeJson('SchedulerEvent', traffic.event)}`
        : `"out":${encodeJson('SchedulerCall', traffic.call)}`;
    write(`{"at":${atMs},${message}}`);
    next(traffic);
  };
}

/**
 * Reads a recording. A last line that was not finished, as of a process that died, is left out.
 * @throws PlateauError `INVALID_STATE` naming the line.
 */
export function readRecording(text: string): Recording {
  const [head, ...lines] = text.split('\n');
  if (head?.trim() !== HEAD) {
    throw new PlateauError('INVALID_STATE', `line 1: not a recording: it has to be ${HEAD}`);
  }
  const read: OpenRecording = { traffic: [], nowMs: undefined, state: [] };
  const last = lines.findLastIndex((line) => line !== '');
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    try {
      readLine(line, read);
    } catch (error) {
      if (index === last) break;
      throw new PlateauError('INVALID_STATE', `line ${index + 2}: ${errorMessage(error)}`, {
        context: { line: index + 2 },
        cause: error,
      });
    }
  }
  return read;
}

interface OpenRecording {
  readonly traffic: RecordedTraffic[];
  nowMs: number | undefined;
  readonly state: RecordedState[];
}

function readLine(line: string, into: OpenRecording): void {
  if (line.startsWith('{"at":')) {
    into.traffic.push(readTraffic(line));
    return;
  }
  const found: unknown = JSON.parse(line);
  if (!isRecord(found)) throw notALine();
  const { now, key, value } = found;
  if (typeof now === 'number') into.nowMs = now;
  else if (typeof key === 'string' && typeof value === 'string') into.state.push({ key, value });
  else throw notALine();
}

function notALine(): PlateauError {
  return new PlateauError('INVALID_STATE', 'not a line of a recording');
}

/** A line is taken apart by hand: its message is for the reader of messages, numbers of 64 bits included. */
function readTraffic(line: string): RecordedTraffic {
  const [, at, direction, message] = /^\{"at":([\d.]+),"(in|out)":(.*)\}$/.exec(line) ?? [];
  if (message === undefined) throw notALine();
  const atMs = Number(at);
  if (direction === 'in') {
    const event: SchedulerEvent = decodeJson('SchedulerEvent', Buffer.from(message));
    return { atMs, direction, event };
  }
  const call: SchedulerCall = decodeJson('SchedulerCall', Buffer.from(message));
  return { atMs, direction: 'out', call };
}
