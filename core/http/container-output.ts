/**
 * The output of a container as a stream of ProcessIO records. The client whose session it is holds the
 * container up when it is slow, and is cut off when it takes nothing for too long. Others who listen hold
 * nobody up: they are cut off when they fall too far behind.
 */
import type { ContainerSession, SessionReader } from '../agent/index.js';
import { type AgentProcessIO, toDurationInfo } from '../api/index.js';
import { type Disposable, type Logger, setRepeatingTimer, toDisposable } from '../base/index.js';
import type { StreamForm } from './media.js';
import { RecordStream } from './record-stream.js';
import type { Exchange } from './routes.js';

/** Bytes that wait for the reader of a container's output before the container is held up. */
export const MAX_WAITING_OUTPUT_BYTES = 1024 * 1024;
/** Bytes that wait for one who listens to the session of somebody else before it is cut off. */
export const MAX_LISTENER_LAG_BYTES = 16 * 1024 * 1024;
/** Milliseconds for which a container is held up by a reader that does not take what waits. */
export const OUTPUT_STALL_MS = 60_000;
/** Milliseconds between heartbeats of a stream. */
export const CONTAINER_HEARTBEAT_MS = 30_000;

export interface OutputStreamOptions {
  readonly exchange: Exchange;
  readonly log: Logger;
  readonly form: StreamForm;
  readonly session: ContainerSession;
  /** Whether the session is the client's own: the container waits for it, and ends with it. */
  readonly isOwn: boolean;
  /** The reader has gone, or was cut off, before the container's end. */
  readonly onLost: () => void;
  /** Bounds as above; tests need not wait. */
  readonly stallMs?: number | undefined;
  readonly lagBytes?: number | undefined;
  readonly heartbeatMs?: number | undefined;
}

/** Answers with the output of a session, until it ends. */
export function streamOutput(options: OutputStreamOptions): void {
  const { exchange, log, form, session } = options;
  const { clock } = exchange.world;
  let stall: Disposable = NOTHING;
  let listening: Disposable = NOTHING;
  const finish = (): void => {
    stall.dispose();
    beating.dispose();
    listening.dispose();
  };
  const records = new RecordStream({
    exchange,
    log,
    contentType: form.contentType,
    headers: form.headers,
    onLost: () => {
      finish();
      options.onLost();
    },
  });
  const send = (message: AgentProcessIO): void =>
    records.send(form.format.encode('AgentProcessIO', message));
  const reader: SessionReader = {
    data: (stream, bytes) => {
      const type = stream === 'stdout' ? 'STDOUT' : 'STDERR';
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      send({ type: 'DATA', data: { type, data: data.toString('base64') } });
      if (records.isEnded) return true;
      if (!options.isOwn) {
        const lagBytes = options.lagBytes ?? MAX_LISTENER_LAG_BYTES;
        if (records.waitingBytes > lagBytes) records.cut(`it is ${lagBytes} bytes behind`);
        return true;
      }
      if (records.waitingBytes < MAX_WAITING_OUTPUT_BYTES) return true;
      stall.dispose();
      const cut = (): void => records.cut('the reader takes nothing');
      stall = clock.setTimer(options.stallMs ?? OUTPUT_STALL_MS, cut);
      return false;
    },
    end: () => {
      finish();
      records.close();
    },
  };
  records.onDrain(() => {
    stall.dispose();
    session.ready(reader);
  });
  const heartbeatMs = options.heartbeatMs ?? CONTAINER_HEARTBEAT_MS;
  const beating = setRepeatingTimer(clock, heartbeatMs, () => send(heartbeat(heartbeatMs)));
  records.open();
  listening = session.listen(reader);
  if (records.isEnded) finish();
}

const NOTHING: Disposable = toDisposable(() => undefined);

function heartbeat(intervalMs: number): AgentProcessIO {
  const interval = toDurationInfo(intervalMs);
  return { type: 'CONTROL', control: { type: 'HEARTBEAT', heartbeat: { interval } } };
}
