/** `POST /api/v1/scheduler`: subscriptions as event streams, and all other calls of schedulers. */
import { type SchedulerCall, type SchedulerEvent, validateSchedulerCall } from '../api/index.js';
import { type Logger, type StreamId, id } from '../base/index.js';
import type { SchedulerAnswer, SchedulerStream } from '../master/index.js';
import { answerText } from './answers.js';
import { acceptedFormat, readCall } from './api-call.js';
import { type Leadership, answerElsewhere } from './leadership.js';
import type { MessageFormat } from './media.js';
import { RecordStream } from './record-stream.js';
import type { Exchange } from './routes.js';

/** Carries the id of a subscription: in the answer to SUBSCRIBE, and in every call after it. */
export const STREAM_ID_HEADER = 'Mesos-Stream-Id';

/** What this endpoint needs of the master. */
export interface SchedulerCallsOwner {
  readonly isRecovered: boolean;
  schedulerSubscribe(call: SchedulerCall, stream: SchedulerStream): void;
  schedulerCall(call: SchedulerCall, streamId: StreamId | undefined): SchedulerAnswer;
  schedulerDisconnected(stream: SchedulerStream): void;
}

export interface SchedulerApiOptions {
  readonly owner: SchedulerCallsOwner;
  readonly leadership: Leadership;
  readonly log: Logger;
  readonly isClosing: () => boolean;
}

/** Answers one request. The first check that fails answers: their order is part of the API. */
export async function answerSchedulerCall(
  options: SchedulerApiOptions,
  exchange: Exchange,
): Promise<void> {
  if (answerElsewhere(exchange, options.leadership)) return;
  if (!options.owner.isRecovered) {
    answerText(exchange, 503, 'The master has not finished its recovery: try again.');
    return;
  }
  const call = await readCall(exchange, {
    message: 'SchedulerCall',
    label: 'scheduler::Call',
    validate: validateSchedulerCall,
  });
  if (call === undefined) return;
  if (call.type === 'SUBSCRIBE') {
    const format = acceptedFormat(exchange);
    if (format !== undefined) subscribe(options, exchange, { call, format });
    return;
  }
  // The answer has no body, and yet Mesos looks at Accept.
  if (call.type === 'RECONCILE_OPERATIONS' && acceptedFormat(exchange) === undefined) return;
  await answerCall(options, exchange, call);
}

/** A call for a stream of events, and the form in which they are wanted. */
interface Subscription {
  readonly call: SchedulerCall;
  readonly format: MessageFormat;
}

function subscribe(
  options: SchedulerApiOptions,
  exchange: Exchange,
  { call, format }: Subscription,
): void {
  if (exchange.request.headers['mesos-stream-id'] !== undefined) {
    answerText(exchange, 400, `SUBSCRIBE must not carry the header '${STREAM_ID_HEADER}'`);
    return;
  }
  const { owner, log } = options;
  const streamId = id<'StreamId'>(exchange.world.ids.uuid());
  const records = new RecordStream({
    exchange,
    log,
    contentType: format.contentType,
    headers: { [STREAM_ID_HEADER]: streamId },
    onLost: () => {
      if (!options.isClosing()) owner.schedulerDisconnected(stream);
    },
  });
  const stream: SchedulerStream = {
    id: streamId,
    peer: exchange.peer,
    send: (event: SchedulerEvent) => records.send(format.encode('SchedulerEvent', event)),
    close: () => records.close(),
  };
  owner.schedulerSubscribe(call, stream);
  records.open();
}

async function answerCall(
  options: SchedulerApiOptions,
  exchange: Exchange,
  call: SchedulerCall,
): Promise<void> {
  const header = exchange.request.headers['mesos-stream-id'];
  const streamId = typeof header === 'string' ? id<'StreamId'>(header) : undefined;
  const { status, message } = await options.owner.schedulerCall(call, streamId);
  answerText(exchange, status, message ?? '');
}
