/**
 * A recording of what passed between a live framework and its master: one line of JSON each, with the
 * time. The test kit plays it to newer code and compares what that decides.
 */
import {
  type SchedulerCall,
  type SchedulerEvent,
  decodeJson,
  encodeJson,
} from '../../core/api/index.js';
import { type Clock, PlateauError, errorMessage } from '../../core/base/index.js';
import type { Interceptor, Traffic } from './interceptors.js';

/** One line of a recording. Times are milliseconds since the first line. */
export type RecordedTraffic = Traffic & { readonly atMs: number };

/** Format of the lines; the first line names it. */
export const RECORDING_FORMAT = 1;

/** Heads of recordings, such as `{"plateau_recording":1}`. */
const HEAD = `{"plateau_recording":${RECORDING_FORMAT}}`;

/**
 * Writes a recording line by line.
 * @param write gets each line without its end.
 */
export function record(clock: Clock, write: (line: string) => void): Interceptor {
  let startMs: number | undefined;
  return (traffic, next) => {
    if (startMs === undefined) {
      write(HEAD);
      startMs = clock.elapsed();
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
export function readRecording(text: string): readonly RecordedTraffic[] {
  const [head, ...lines] = text.split('\n');
  if (head?.trim() !== HEAD) {
    throw new PlateauError('INVALID_STATE', `line 1: not a recording: it has to be ${HEAD}`);
  }
  const traffic: RecordedTraffic[] = [];
  for (const [index, line] of lines.entries()) {
    const isLast = lines.slice(index + 1).every((rest) => rest === '');
    if (line === '') continue;
    try {
      traffic.push(readLine(line));
    } catch (error) {
      if (isLast) break;
      throw new PlateauError('INVALID_STATE', `line ${index + 2}: ${errorMessage(error)}`, {
        context: { line: index + 2 },
        cause: error,
      });
    }
  }
  return traffic;
}

/** A line is taken apart by hand: its message is for the reader of messages, numbers of 64 bits included. */
function readLine(line: string): RecordedTraffic {
  const [, at, direction, message] = /^\{"at":([\d.]+),"(in|out)":(.*)\}$/.exec(line) ?? [];
  if (message === undefined) throw new PlateauError('INVALID_STATE', 'not a line of a recording');
  const atMs = Number(at);
  if (direction === 'in') {
    const event: SchedulerEvent = decodeJson('SchedulerEvent', Buffer.from(message));
    return { atMs, direction, event };
  }
  const call: SchedulerCall = decodeJson('SchedulerCall', Buffer.from(message));
  return { atMs, direction: 'out', call };
}
