/**
 * SUBSCRIBE of operators: an event stream that begins with the state of the cluster, written in
 * parts, as fast as the reader takes it, while the events that follow wait behind it. An event becomes
 * bytes once for all streams.
 */
import { type MasterEvent, encodeRecord } from '../api/index.js';
import type { Logger } from '../base/index.js';
import type { ClusterView, OperatorStream } from '../master/index.js';
import { JSON_TYPE, type MessageFormat } from './media.js';
import { type PageServer, drained } from './pages/answer-page.js';
import type { Page } from './pages/page.js';
import type { TextPieces } from './pages/write-text.js';
import { RecordStream } from './record-stream.js';
import type { Exchange } from './routes.js';
import type { ServedMaster } from './served-master.js';
import { protobufState, protobufSubscribed } from './v1-protobuf.js';
import { stateMember } from './v1-state.js';

export interface OperatorStreamOptions {
  readonly master: ServedMaster;
  readonly pages: PageServer;
  readonly log: Logger;
  readonly isClosing: () => boolean;
}

/** Answers a SUBSCRIBE whose form was checked. */
export function subscribeOperator(
  options: OperatorStreamOptions,
  exchange: Exchange,
  format: MessageFormat,
): void {
  const { master, log } = options;
  const records = new RecordStream({
    exchange,
    log,
    contentType: format.contentType,
    onLost: () => {
      if (!options.isClosing()) master.operatorDisconnected(stream);
    },
  });
  const stream: OperatorStream = {
    peer: exchange.peer,
    begin: (seconds) => {
      const opening = { options, exchange, records };
      const form = format.contentType === JSON_TYPE ? JSON_OPENING : PROTOBUF_OPENING;
      void beginInParts(opening, form, seconds);
    },
    send: (event) => records.sendRecord(recordOf(event, format)),
    close: () => records.close(),
  };
  master.operatorSubscribe(stream);
}

interface Opening {
  readonly options: OperatorStreamOptions;
  readonly exchange: Exchange;
  readonly records: RecordStream;
}

/** How SUBSCRIBED is written around the state of the cluster. */
interface OpeningForm {
  readonly key: string;
  readonly pieces: (cluster: ClusterView) => TextPieces;
  /** What comes before and after a state of so many bytes. */
  readonly around: (stateBytes: number, seconds: number) => readonly [Buffer, Buffer];
}

const JSON_OPENING: OpeningForm = {
  key: 'v1 state',
  pieces: stateMember,
  around: (_stateBytes, seconds) => {
    const interval = Number.isInteger(seconds) ? `${seconds}.0` : String(seconds);
    return [
      Buffer.from('{"type":"SUBSCRIBED","subscribed":{"get_state":'),
      Buffer.from(`,"heartbeat_interval_seconds":${interval}}}`),
    ];
  },
};

const PROTOBUF_OPENING: OpeningForm = {
  key: 'v1 state in protobuf',
  pieces: protobufState,
  around: protobufSubscribed,
};

/** The snapshot is taken before this returns; what is sent meanwhile waits until it has gone out. */
async function beginInParts(opening: Opening, form: OpeningForm, seconds: number): Promise<void> {
  const { options, records } = opening;
  const { cluster } = options.master;
  const page = options.pages.cache.snapshot({
    key: form.key,
    version: () => cluster.version,
    pieces: () => form.pieces(cluster),
  });
  const forget = page.onCutOff(() =>
    records.cut('its state is outdated, and others need the memory'),
  );
  records.begin();
  try {
    // The length comes first, so that all of it has to be there.
    await page.plain.filled(Number.POSITIVE_INFINITY);
    await sendState(opening, page, form.around(page.plain.bytes, seconds));
    records.open();
  } catch (error) {
    options.log.error('the state could not be sent', { error: String(error) });
    records.cut('the state could not be made');
  } finally {
    forget();
    page.release();
  }
}

/** Writes the record of SUBSCRIBED, and resolves when its last part has left. */
async function sendState(
  { options, exchange }: Opening,
  { plain }: Page,
  [head, tail]: readonly [Buffer, Buffer],
): Promise<void> {
  const { response } = exchange;
  const write = (part: Buffer): Promise<void> =>
    new Promise((resolve) => {
      response.once('close', resolve);
      response.write(part, () => {
        response.off('close', resolve);
        resolve();
      });
      void drained(options.pages, exchange);
    });
  const { turns } = options.pages.cache;
  let waiting = Buffer.concat([Buffer.from(`${head.length + plain.bytes + tail.length}\n`), head]);
  for await (const part of plain.read()) {
    if (waiting.length + part.length < WRITE_BYTES) {
      waiting = Buffer.concat([waiting, part]);
      continue;
    }
    if (response.destroyed) return;
    if (waiting.length > 0) await write(waiting);
    waiting = NOTHING;
    await turns.run(() => write(part));
  }
  if (!response.destroyed) await write(Buffer.concat([waiting, tail]));
}

const NOTHING = Buffer.alloc(0);
/** What is shorter is not written by itself. */
const WRITE_BYTES = 32 * 1024;

/** Events as records, by the type of their form. */
const RECORDS = new Map<string, WeakMap<MasterEvent, Buffer>>();

function recordOf(event: MasterEvent, format: MessageFormat): Buffer {
  const records = RECORDS.get(format.contentType) ?? new WeakMap<MasterEvent, Buffer>();
  RECORDS.set(format.contentType, records);
  const known = records.get(event);
  if (known !== undefined) return known;
  const record = encodeRecord(format.encode('MasterEvent', event));
  records.set(event, record);
  return record;
}
