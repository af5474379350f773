/**
 * SUBSCRIBE of operators: an event stream that begins with the state of the cluster. In JSON the state is
 * written in parts, as fast as the reader takes it, while the events that follow wait behind it. An
 * event becomes bytes once for all streams.
 */
import { type MasterEvent, encodeRecord } from '../api/index.js';
import type { Logger } from '../base/index.js';
import type { ClusterView, OperatorStream } from '../master/index.js';
import { viewAgents, viewExecutors, viewFrameworks, viewTasks } from '../master/index.js';
import { JSON_TYPE, type MessageFormat } from './media.js';
import { type PageServer, drained } from './pages/answer-page.js';
import type { Page } from './pages/page.js';
import { RecordStream } from './record-stream.js';
import type { Exchange } from './routes.js';
import type { ServedMaster } from './served-master.js';
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
      const { cluster } = master;
      const opening = { options, exchange, records };
      if (format.contentType === JSON_TYPE) void beginInParts(opening, cluster, seconds);
      else beginAtOnce(opening, format, subscribedEvent(cluster, seconds));
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

function beginAtOnce({ records }: Opening, format: MessageFormat, event: MasterEvent): void {
  records.open();
  records.send(format.encode('MasterEvent', event));
}

function subscribedEvent(cluster: ClusterView, seconds: number): MasterEvent {
  const get_state = {
    get_tasks: viewTasks(cluster),
    get_executors: viewExecutors(cluster),
    get_frameworks: viewFrameworks(cluster),
    get_agents: viewAgents(cluster),
  };
  return { type: 'SUBSCRIBED', subscribed: { get_state, heartbeat_interval_seconds: seconds } };
}

/** The snapshot is taken before this returns; what is sent meanwhile waits until it has gone out. */
async function beginInParts(
  opening: Opening,
  cluster: ClusterView,
  seconds: number,
): Promise<void> {
  const { options, records } = opening;
  const page = options.pages.cache.snapshot({
    key: 'v1 state',
    version: () => cluster.version,
    pieces: () => stateMember(cluster),
  });
  const forget = page.onCutOff(() =>
    records.cut('its state is outdated, and others need the memory'),
  );
  records.begin();
  try {
    await sendState(opening, page, seconds);
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
  seconds: number,
): Promise<void> {
  const { response } = exchange;
  // The length comes first, so that all of it has to be there.
  await plain.filled(Number.POSITIVE_INFINITY);
  const head = '{"type":"SUBSCRIBED","subscribed":{"get_state":';
  const interval = Number.isInteger(seconds) ? `${seconds}.0` : String(seconds);
  const tail = `,"heartbeat_interval_seconds":${interval}}}`;
  const write = async (part: string | Buffer): Promise<void> => {
    if (response.destroyed) return;
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.write(part, () => {
        response.off('close', resolve);
        resolve();
      });
      void drained(options.pages, exchange);
    });
  };
  await write(`${head.length + plain.bytes + tail.length}\n${head}`);
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for await (const part of plain.read()) await write(part);
  await write(tail);
}

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
