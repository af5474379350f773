/** What schedulers and masters agree on about their connections. */
import type { Parcel } from './wire.js';

/** The purposes for which a connection to a master may be opened. */
export const PURPOSES = { agent: 'agent', stream: 'stream', calls: 'calls' } as const;

/** A call of a scheduler on its way to the master: what a header and a body are over HTTP. */
export interface CallParcel {
  readonly streamId: string | undefined;
  /** The packed call. */
  readonly call: Parcel;
}
