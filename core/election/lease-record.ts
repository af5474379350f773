/**
 * The record of a lease in a store: who holds it. Its version tells others that the holder still
 * renews it; no time of any clock is in it, so that no clock has to agree with another.
 */
import { type LeaseHolder, isRecord } from '../base/index.js';
import { type ProcessIdentity, isProcessIdentity } from '../store/index.js';

export interface LeaseRecord extends LeaseHolder {
  /** Drawn for each candidacy: two with the same id are still two. */
  readonly token: string;
  /** The process of the holder; undefined where processes mean nothing, as in a simulation. */
  readonly process: ProcessIdentity | undefined;
}

export function formatLeaseRecord(record: LeaseRecord): string {
  return JSON.stringify(record);
}

/** Undefined for a text that no version of this program has written. */
export function parseLeaseRecord(text: string): LeaseRecord | undefined {
  const value = parse(text);
  if (!isRecord(value)) return undefined;
  const { id, info, token, process } = value;
  if (typeof id !== 'string' || typeof info !== 'string' || typeof token !== 'string') {
    return undefined;
  }
  return { id, info, token, process: isProcessIdentity(process) ? process : undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
