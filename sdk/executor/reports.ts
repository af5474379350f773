/** What handlers tell, made into what the core takes. */
import { PlateauError, isRecord } from '../../core/base/index.js';
import type { CoreReport } from './effects.js';
import type { ReportedState } from './handlers.js';

const STATES: Readonly<Record<ReportedState, true>> = {
  STARTING: true,
  RUNNING: true,
  FINISHED: true,
  FAILED: true,
  KILLED: true,
  ERROR: true,
};

/** Bytes or text in base64. */
export function toBase64(data: Uint8Array | string): string {
  if (typeof data === 'string') return Buffer.from(data, 'utf8').toString('base64');
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

/**
 * A report, or what a handler returned: anything else than a report says nothing.
 * @throws PlateauError `INVALID_DECISION` naming the field that is not well-formed.
 */
export function coreReport(given: unknown): CoreReport {
  if (!isRecord(given)) return {};
  const { state, message, data, healthy, labels } = given;
  if (state !== undefined && !isReportedState(state)) {
    throw invalid('state', `it must be one of ${Object.keys(STATES).join(', ')}`);
  }
  if (message !== undefined && typeof message !== 'string')
    throw invalid('message', 'it is no text');
  if (data !== undefined && typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw invalid('data', 'it must be a text or a Uint8Array');
  }
  if (healthy !== undefined && typeof healthy !== 'boolean') {
    throw invalid('healthy', 'it must be true or false');
  }
  return {
    ...(state !== undefined && { state }),
    ...(message !== undefined && { message }),
    ...(data !== undefined && { data: toBase64(data) }),
    ...(healthy !== undefined && { healthy }),
    ...(labels !== undefined && { labels: labelsOf(labels) }),
  };
}

function isReportedState(value: unknown): value is ReportedState {
  return typeof value === 'string' && Object.hasOwn(STATES, value);
}

function labelsOf(given: unknown): Readonly<Record<string, string>> {
  if (!isRecord(given)) throw invalid('labels', 'they must be an object of texts');
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]));
}

function invalid(field: string, why: string): PlateauError {
  return new PlateauError('INVALID_DECISION', `The ${field} of an update is not valid: ${why}.`, {
    context: { field },
  });
}
