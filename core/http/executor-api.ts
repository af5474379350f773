/** `POST /api/v1/executor` of an agent: the event streams of executors, and their calls. */
import type { ExecutorStream } from '../agent/index.js';
import { type ExecutorCall, type ExecutorEvent, validateExecutorCall } from '../api/index.js';
import type { Logger } from '../base/index.js';
import { answerText } from './answers.js';
import { acceptedFormat, readCall } from './api-call.js';
import type { MessageFormat } from './media.js';
import { RecordStream } from './record-stream.js';
import type { Exchange } from './routes.js';
import type { ServedAgent } from './served-agent.js';

export interface ExecutorApiOptions {
  readonly agent: ServedAgent;
  readonly log: Logger;
  readonly isClosing: () => boolean;
}

/** Answers one request; 503, whatever it is, until the agent knows the executors from before. */
export async function answerExecutorCall(
  options: ExecutorApiOptions,
  exchange: Exchange,
): Promise<void> {
  if (!options.agent.isRecovered) {
    answerText(exchange, 503, 'Agent has not finished recovery');
    return;
  }
  const call = await readCall(exchange, {
    message: 'ExecutorCall',
    label: 'Executor::Call',
    validate: validateExecutorCall,
  });
  if (call === undefined) return;
  if (call.type !== 'SUBSCRIBE') {
    const { status, message } = options.agent.executorCall(call);
    answerText(exchange, status, message ?? '');
    return;
  }
  const format = acceptedFormat(exchange);
  if (format !== undefined) subscribe(options, exchange, { call, format });
}

/** A call for a stream of events, and the form in which they are wanted. */
interface Subscription {
  readonly call: ExecutorCall;
  readonly format: MessageFormat;
}

function subscribe(
  options: ExecutorApiOptions,
  exchange: Exchange,
  { call, format }: Subscription,
): void {
  const { agent, log } = options;
  const records = new RecordStream({
    exchange,
    log,
    contentType: format.contentType,
    onLost: () => {
      if (!options.isClosing()) agent.executorDisconnected(stream);
    },
  });
  const stream: ExecutorStream = {
    send: (event: ExecutorEvent) => records.send(format.encode('ExecutorEvent', event)),
    close: () => records.close(),
  };
  const { status, message } = agent.executorSubscribe(call, stream);
  if (status === 200) {
    records.open();
    return;
  }
  records.abandon();
  answerText(exchange, status, message ?? '');
}
