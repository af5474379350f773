/**
 * Refuses calls by their size as the HTTP server of a master does, before anything in them is looked at.
 * Messages that travel as objects are written as JSON for that only when they could be too large.
 */
import { type CallAnswer, MAX_CALL_BYTES, type SchedulerCall, encodeJson } from '../api/index.js';
import type { Parcel } from './wire.js';

/** JSON is ASCII here: a character takes as much at most, as in `\u00e4`. */
const MAX_BYTES_OF_CHARACTER = 6;
/** What a scalar or a bracket takes at most, with what stands between it and the next. */
const MAX_BYTES_OF_SCALAR = 32;
/** Fields that are not set are written with their declared defaults: so much in one object at most. */
const MAX_BYTES_OF_DEFAULTS = 160;

/**
 * The answer to a call that is larger than a master takes; undefined: it is not.
 * @param parcel how the call travels, if it is not as itself.
 */
export function sizeRefusal(call: SchedulerCall, parcel: Parcel = call): CallAnswer | undefined {
  if (typeof parcel !== 'string' && bytesLeft(parcel, MAX_CALL_BYTES) >= 0) return undefined;
  const text = typeof parcel === 'string' ? parcel : encodeJson('SchedulerCall', call);
  if (text.length <= MAX_CALL_BYTES) return undefined;
  return { status: 413, message: `The body is larger than ${MAX_CALL_BYTES} bytes.` };
}

/** What is left of a room when a value is in it, whatever is in its texts; below 0: it may not fit. */
function bytesLeft(value: unknown, room: number): number {
  if (typeof value === 'string') {
    return room - value.length * MAX_BYTES_OF_CHARACTER - MAX_BYTES_OF_SCALAR;
  }
  if (typeof value !== 'object' || value === null) return room - MAX_BYTES_OF_SCALAR;
  let left = room - MAX_BYTES_OF_SCALAR;
  if (Array.isArray(value)) {
    for (const part of value) {
      left = bytesLeft(part, left);
      if (left < 0) break;
    }
    return left;
  }
  left -= MAX_BYTES_OF_DEFAULTS;
  for (const key in value) {
    left = bytesLeft(Reflect.get(value, key), left - key.length);
    if (left < 0) break;
  }
  return left;
}
