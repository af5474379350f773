/**
 * Runs a command inside a container of an agent: a session streams its output, a second request its
 * input. The command ends when the session does, whoever ends it.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import {
  type AgentCall,
  type AgentProcessIO,
  type CommandInfo,
  type ContainerID,
  RecordDecoder,
  decodeJson,
  encodeJson,
  encodeRecord,
  toDurationInfo,
} from '../api/index.js';
import {
  type Clock,
  type Disposable,
  PlateauError,
  errorMessage,
  setRepeatingTimer,
} from '../base/index.js';
import { CONNECT_TIMEOUT_MS } from './api-client.js';

/** Milliseconds without a record, heartbeats included, after which a session counts as broken. */
export const MAX_SESSION_SILENCE_MS = 120_000;
/** Milliseconds between heartbeats on the input. */
export const INPUT_HEARTBEAT_MS = 30_000;
/** Bytes of input that are sent as one record. */
const INPUT_PIECE_BYTES = 64 * 1024;

export interface SessionRequest {
  readonly clock: Clock;
  /** Address of the agent. */
  readonly url: URL;
  /** A new id, with the container to run in as its parent. */
  readonly containerId: ContainerID;
  readonly command: CommandInfo;
  /** Gets the output in order; the command is held up until it resolves. */
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => Promise<void>;
  /** What the command reads; without it its input is empty. */
  readonly input?: AsyncIterable<Buffer> | undefined;
  /** A terminal for the command; what it shows is all `stdout`. */
  readonly terminal?: SessionTerminal | undefined;
  /** Ends the session, and with it the command. */
  readonly signal?: AbortSignal | undefined;
}

/** The terminal of a session, which follows a window of ours. */
export interface SessionTerminal {
  /** The window as it is now. */
  size(): WindowSize;
  /** Calls the listener each time that the window has changed its size. */
  onResize(listener: () => void): Disposable;
}

/** In characters. */
export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Runs a command to the end of its output. How it ended, WAIT_CONTAINER tells afterwards.
 * @throws PlateauError `AGENT_UNREACHABLE`, `CALL_REFUSED` when it cannot be started, `STREAM_ENDED`
 *   when the connection broke: the command has been ended then.
 */
export async function runSession(session: SessionRequest): Promise<void> {
  const { containerId: container_id, command, terminal } = session;
  const container =
    terminal && ({ type: 'MESOS', tty_info: { window_size: terminal.size() } } as const);
  const launch: AgentCall = {
    type: 'LAUNCH_NESTED_CONTAINER_SESSION',
    launch_nested_container_session: { container_id, command, container },
  };
  const request = open(session, 'application/json');
  request.end(encodeJson('AgentCall', launch));
  const response = await answerTo(session, request);
  const input = sendInput(session);
  try {
    await readOutput(session, response);
  } finally {
    input.destroy();
  }
}

function open(session: SessionRequest, contentType: string): ClientRequest {
  const isStream = contentType === 'application/recordio';
  const request = httpRequest(new URL('/api/v1', session.url), {
    method: 'POST',
    agent: false,
    headers: {
      'Content-Type': contentType,
      Accept: 'application/json',
      ...(isStream && { 'Message-Content-Type': 'application/json' }),
    },
    ...(session.signal !== undefined && { signal: session.signal }),
  });
  request.setNoDelay(true);
  return request;
}

/** The answer, when it is a stream. */
function answerTo(session: SessionRequest, request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = session.clock.setTimer(LAUNCH_TIMEOUT_MS, () =>
      request.destroy(new Error('no answer in time')),
    );
    request.once('response', (response) => {
      timer.dispose();
      if (response.statusCode === 200) resolve(response);
      else void refusal(response).then(reject);
    });
    request.on('error', (cause) => {
      timer.dispose();
      const message = `No agent answers at ${session.url.origin}: ${errorMessage(cause)}.`;
      reject(new PlateauError('AGENT_UNREACHABLE', message, { retriable: true, cause }));
    });
  });
}

/** A launch takes as long as the agent's disk and launcher do. */
const LAUNCH_TIMEOUT_MS = 6 * CONNECT_TIMEOUT_MS;

async function refusal(response: IncomingMessage): Promise<PlateauError> {
  const { statusCode: status = 0 } = response;
  const reason = await readText(response).catch(() => '');
  return new PlateauError(
    'CALL_REFUSED',
    `The agent refused the session with status ${status}: ${reason}`,
    { context: { status, reason }, retriable: status === 503 },
  );
}

async function readOutput(session: SessionRequest, response: IncomingMessage): Promise<void> {
  const decoder = new RecordDecoder();
  let isSilent = false;
  const listen = (): ReturnType<Clock['setTimer']> =>
    session.clock.setTimer(MAX_SESSION_SILENCE_MS, () => {
      isSilent = true;
      response.destroy();
    });
  let timer = listen();
  try {
    for await (const chunk of response) {
      timer.dispose();
      if (!Buffer.isBuffer(chunk)) continue;
      for (const record of decoder.push(chunk)) await deliver(session, decodeIo(record));
      timer = listen();
    }
    if (!response.complete) throw new Error('it was cut');
  } catch (cause) {
    if (cause instanceof PlateauError) throw cause;
    const why = isSilent ? 'the agent says nothing any more' : errorMessage(cause);
    throw new PlateauError('STREAM_ENDED', `The session with the container ended: ${why}.`, {
      cause,
    });
  } finally {
    timer.dispose();
    response.destroy();
  }
}

function decodeIo(record: Buffer): AgentProcessIO {
  return decodeJson('AgentProcessIO', record);
}

async function deliver(session: SessionRequest, { data }: AgentProcessIO): Promise<void> {
  if (data === undefined) return;
  const bytes = Buffer.from(data.data ?? '', 'base64');
  await session.onOutput(data.type === 'STDERR' ? 'stderr' : 'stdout', bytes);
}

/** Sends the input beside the session; a command that does not want it is no error. */
function sendInput(session: SessionRequest): ClientRequest {
  const request = open(session, 'application/recordio');
  request.on('error', () => request.destroy());
  request.on('response', (response) => {
    response.resume();
    request.destroy();
  });
  void writeInput(session, request).catch(() => request.destroy());
  return request;
}

async function writeInput(session: SessionRequest, request: ClientRequest): Promise<void> {
  const { containerId: container_id, terminal, clock } = session;
  await write(request, { type: 'CONTAINER_ID', container_id });
  const sendSize = (): void => void (terminal && write(request, sizeRecord(terminal.size())));
  // It may have changed since the launch.
  sendSize();
  const following = terminal?.onResize(sendSize);
  const beating = setRepeatingTimer(
    clock,
    INPUT_HEARTBEAT_MS,
    () => void write(request, HEARTBEAT_RECORD),
  );
  const stop = (): void => {
    beating.dispose();
    following?.dispose();
  };
  request.once('close', stop);
  await writeBytes(session, request);
  if (request.destroyed) stop();
  // The window may change as long as the command runs: its end ends the request.
  if (terminal !== undefined) return;
  stop();
  request.end();
}

/** All of the input, and its end. */
async function writeBytes({ input }: SessionRequest, request: ClientRequest): Promise<void> {
  for await (const bytes of input ?? []) {
    for (let from = 0; from < bytes.length; from += INPUT_PIECE_BYTES) {
      if (request.destroyed) return;
      await write(request, stdinRecord(bytes.subarray(from, from + INPUT_PIECE_BYTES)));
    }
  }
  await write(request, stdinRecord(Buffer.alloc(0)));
}

type AttachInput = NonNullable<AgentCall['attach_container_input']>;

function stdinRecord(bytes: Buffer): AttachInput {
  const data = { type: 'STDIN', data: bytes.toString('base64') } as const;
  return { type: 'PROCESS_IO', process_io: { type: 'DATA', data } };
}

function sizeRecord(window_size: WindowSize): AttachInput {
  const control = { type: 'TTY_INFO', tty_info: { window_size } } as const;
  return { type: 'PROCESS_IO', process_io: { type: 'CONTROL', control } };
}

const HEARTBEAT_RECORD: AttachInput = {
  type: 'PROCESS_IO',
  process_io: {
    type: 'CONTROL',
    control: {
      type: 'HEARTBEAT',
      heartbeat: { interval: toDurationInfo(INPUT_HEARTBEAT_MS) },
    },
  },
};

/** Resolves when more may be written, or never will. */
function write(request: ClientRequest, attach: AttachInput): Promise<void> {
  const call: AgentCall = { type: 'ATTACH_CONTAINER_INPUT', attach_container_input: attach };
  return new Promise((resolve) => {
    if (request.destroyed || request.write(encodeRecord(encodeJson('AgentCall', call)))) {
      resolve();
      return;
    }
    const settle = (): void => {
      request.off('drain', settle).off('close', settle);
      resolve();
    };
    request.once('drain', settle).once('close', settle);
  });
}
