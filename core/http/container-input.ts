/**
 * ATTACH_CONTAINER_INPUT: a request whose body is a stream of records. The first names the container,
 * each other carries bytes for its standard input; empty ones end that input; or the size of the window
 * of its terminal, or nothing but that the client is alive. Nothing is read ahead of what the container
 * takes. The answer comes when the body has ended, or the container takes no more.
 */
import type { SessionInput } from '../agent/index.js';
import {
  type AgentCall,
  type AgentProcessIO,
  RecordDecoder,
  validateAgentCall,
} from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { answerEmpty, answerMethodNotAllowed, answerText } from './answers.js';
import { type MessageFormat, agentRequestFormat } from './media.js';
import type { Exchange } from './routes.js';
import type { ServedAgent } from './served-agent.js';

/** Who is asked. */
export interface InputApiOptions {
  readonly agent: Pick<ServedAgent, 'containers'>;
}

/** Answers one request with a stream of records. */
export async function answerRecordsCall(
  options: InputApiOptions,
  exchange: Exchange,
): Promise<void> {
  if (exchange.request.method !== 'POST') {
    answerMethodNotAllowed(exchange, ['POST']);
    return;
  }
  const format = agentRequestFormat(exchange.request.headers);
  if ('status' in format) {
    refuse(exchange, format.status, format.message);
    return;
  }
  try {
    await takeCalls(options, exchange, calls(exchange, format));
  } catch (error) {
    if (error instanceof PlateauError && error.code === 'INVALID_MESSAGE') {
      refuse(exchange, 400, error.message);
    } else if (!exchange.request.destroyed) throw error;
  }
}

async function takeCalls(
  options: InputApiOptions,
  exchange: Exchange,
  incoming: AsyncGenerator<AgentCall>,
): Promise<void> {
  const first = await incoming.next();
  if (first.done === true) {
    refuse(exchange, 400, 'The stream of records ended before its first record.');
    return;
  }
  const { type, attach_container_input: attach } = first.value;
  if (type !== 'ATTACH_CONTAINER_INPUT') {
    refuse(exchange, 415, `${type ?? 'The call'} is not sent as a stream of records.`);
    return;
  }
  if (attach?.container_id === undefined) {
    refuse(
      exchange,
      400,
      "The first record must name the container: 'attach_container_input.type' CONTAINER_ID",
    );
    return;
  }
  const session = await options.agent.containers?.attach(attach.container_id);
  if (session === undefined || 'status' in session) {
    refuse(exchange, session?.status ?? 501, session?.message ?? 'This agent has no sessions.');
    return;
  }
  const input = session.takeInput();
  if (input === undefined) {
    refuse(exchange, 409, 'Somebody else is attached to the input of the container.');
    return;
  }
  exchange.bodyTimer.dispose();
  try {
    await pass(incoming, input);
    finish(exchange);
  } finally {
    input.release();
  }
}

/** Hands on what comes until the body ends or the container takes no more. */
async function pass(incoming: AsyncGenerator<AgentCall>, input: SessionInput): Promise<void> {
  for await (const { type, attach_container_input: attach } of incoming) {
    const io = type === 'ATTACH_CONTAINER_INPUT' ? attach?.process_io : undefined;
    if (io === undefined) throw invalid("each record after the first needs 'process_io'");
    if (io.type === 'CONTROL') {
      control(io.control, input);
      continue;
    }
    if (io.type !== 'DATA' || io.data?.type !== 'STDIN') {
      throw invalid("'process_io' must be DATA of type STDIN, or a HEARTBEAT");
    }
    const bytes = Buffer.from(io.data.data ?? '', 'base64');
    if (bytes.length === 0) input.end();
    else if (!(await input.write(bytes))) return;
  }
}

/** The most rows or columns of a window. */
const MAX_WINDOW_LENGTH = 65_535;

function control(message: AgentProcessIO['control'], input: SessionInput): void {
  if (message?.type === 'HEARTBEAT') return;
  if (message?.type !== 'TTY_INFO') throw invalid("'control.type' must be TTY_INFO or HEARTBEAT");
  const size = message.tty_info?.window_size;
  if (size === undefined) {
    throw invalid("Expecting 'control.tty_info.window_size' to be present");
  }
  if (Math.max(size.rows, size.columns) > MAX_WINDOW_LENGTH) {
    throw invalid(`'control.tty_info.window_size' has more than ${MAX_WINDOW_LENGTH} on a side`);
  }
  if (!input.resize(size)) throw invalid("'control': the container has no terminal");
}

/** The calls of a body, each checked. @throws PlateauError `INVALID_MESSAGE`. */
async function* calls(exchange: Exchange, format: MessageFormat): AsyncGenerator<AgentCall> {
  const { request, limits } = exchange;
  const decoder = new RecordDecoder({ maxRecordBytes: limits.callBytes });
  // Destroying the request would take the connection with it, and the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) continue;
    for (const record of decoder.push(chunk)) {
      const call = format.decode('AgentCall', record);
      const reason = validateAgentCall(call);
      if (reason !== undefined) throw invalid(reason);
      yield call;
    }
  }
  decoder.finish();
}

function invalid(reason: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', `Failed to validate agent::Call: ${reason}`);
}

function finish(exchange: Exchange): void {
  if (exchange.request.complete) answerEmpty(exchange, 200);
  else closeAfter(exchange, () => answerText(exchange, 200, '', { Connection: 'close' }));
}

/** Answers before the body has ended, and closes the connection. */
function refuse(exchange: Exchange, status: number, message: string): void {
  closeAfter(exchange, () => answerText(exchange, status, message, { Connection: 'close' }));
}

/** What still comes is thrown away: closing under a client that sends would lose the answer. */
function closeAfter(exchange: Exchange, answer: () => void): void {
  const { request } = exchange;
  // A request that was read to its end is destroyed too, and its client waits.
  if (request.destroyed && !request.complete) return;
  answer();
  request.resume();
}
