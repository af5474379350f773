/** `POST /api/v1` of a master: calls of operators and tools. */
import { type MasterCall, type MasterResponse, validateMasterCall } from '../api/index.js';
import { answerMessage, answerText } from './answers.js';
import { acceptedFormat, readCall } from './api-call.js';
import type { FileRefusal, VirtualFiles } from './files.js';
import { fileInfos } from './file-routes.js';
import { type Leadership, answerElsewhere } from './leadership.js';
import type { LoggingLevel } from './logging-level.js';
import type { Logger } from '../base/index.js';
import type { ClusterView, OperatorAnswer } from '../master/index.js';
import { JSON_TYPE, type MessageFormat } from './media.js';
import { subscribeOperator } from './operator-stream.js';
import { type PageServer, answerPage } from './pages/answer-page.js';
import type { TextPieces } from './pages/write-text.js';
import type { Exchange } from './routes.js';
import type { ServedMaster } from './served-master.js';
import { largeProtobufAnswer } from './v1-protobuf.js';
import { largeAnswer } from './v1-state.js';

export interface MasterApiOptions {
  readonly master: ServedMaster;
  readonly leadership: Leadership;
  readonly files: VirtualFiles;
  readonly pages: PageServer;
  readonly log: Logger;
  readonly isClosing: () => boolean;
  readonly logging: LoggingLevel;
  /** What `/metrics/snapshot` shows. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>;
}

/** What a call is answered with: a message, or a status with a text. */
type Outcome =
  | { readonly kind: 'response'; readonly response: MasterResponse }
  | { readonly kind: 'status'; readonly status: number; readonly message: string };

/** Answers one request. The first check that fails answers: their order is part of the API. */
export async function answerMasterCall(
  options: MasterApiOptions,
  exchange: Exchange,
): Promise<void> {
  if (answerElsewhere(exchange, options.leadership)) return;
  if (!options.master.isRecovered) {
    answerText(exchange, 503, 'The master has not finished its recovery: try again.');
    return;
  }
  const call = await readCall(exchange, {
    message: 'MasterCall',
    label: 'master::Call',
    validate: validateMasterCall,
  });
  if (call === undefined) return;
  const format = acceptedFormat(exchange);
  if (format === undefined) return;
  if (call.type === 'SUBSCRIBE') {
    subscribeOperator(options, exchange, format);
    return;
  }
  const isJson = format.contentType === JSON_TYPE;
  const pieces = isJson ? largeAnswer(call.type) : largeProtobufAnswer(call.type);
  if (pieces !== undefined) {
    await answerLarge(options, exchange, { type: call.type, format, pieces });
    return;
  }
  const outcome = await run(options, call);
  if (outcome.kind === 'status') {
    answerText(exchange, outcome.status, outcome.message);
    return;
  }
  const body = format.encode('MasterResponse', outcome.response);
  await answerMessage(exchange, format.contentType, body);
}

/** Answers with what is made in parts, and shared with all who ask the same. */
async function answerLarge(
  { master, pages }: MasterApiOptions,
  exchange: Exchange,
  asked: {
    readonly type: MasterCall['type'];
    readonly format: MessageFormat;
    readonly pieces: (cluster: ClusterView) => TextPieces;
  },
): Promise<void> {
  const { cluster, info } = master;
  const { contentType } = asked.format;
  await answerPage(pages, exchange, {
    origin: info.id,
    contentType,
    key: `${contentType} ${asked.type}`,
    version: () => cluster.version,
    pieces: () => asked.pieces(cluster),
  });
}

async function run(options: MasterApiOptions, call: MasterCall): Promise<Outcome> {
  switch (call.type) {
    case 'GET_LOGGING_LEVEL':
      return respond({
        type: 'GET_LOGGING_LEVEL',
        get_logging_level: { level: options.logging.level },
      });
    case 'SET_LOGGING_LEVEL': {
      const fault = call.set_logging_level && options.logging.set(call.set_logging_level);
      return { kind: 'status', status: fault === undefined ? 200 : 400, message: fault ?? '' };
    }
    case 'GET_METRICS':
      return respond({
        type: 'GET_METRICS',
        get_metrics: { metrics: metricList(await options.metrics()) },
      });
    case 'LIST_FILES':
      return await listFiles(options.files, call.list_files?.path ?? '');
    case 'READ_FILE':
      return await readFile(options.files, call);
    default:
      return fromMaster(await options.master.operatorCall(call));
  }
}

/** Metrics as messages carry them. */
export function metricList(
  metrics: Iterable<readonly [string, number]>,
): readonly { readonly name: string; readonly value: number }[] {
  return Array.from(metrics, ([name, value]) => ({ name, value }));
}

function fromMaster(answer: Awaited<OperatorAnswer>): Outcome {
  if (!('status' in answer)) return respond(answer);
  return { kind: 'status', status: answer.status, message: answer.message ?? '' };
}

async function listFiles(files: VirtualFiles, path: string): Promise<Outcome> {
  const listing = await files.browse(path);
  if (listing.kind === 'refused') return refused(listing);
  return respond({ type: 'LIST_FILES', list_files: { file_infos: fileInfos(listing.entries) } });
}

async function readFile(files: VirtualFiles, call: MasterCall): Promise<Outcome> {
  const { path = '', offset = 0n, length } = call.read_file ?? {};
  const part = await files.read(
    path,
    Number(offset),
    length === undefined ? undefined : Number(length),
  );
  if (part.kind === 'refused') return refused(part);
  const data = part.data.toString('base64');
  return respond({ type: 'READ_FILE', read_file: { size: BigInt(part.size), data } });
}

function respond(response: MasterResponse): Outcome {
  return { kind: 'response', response };
}

function refused({ status, message }: FileRefusal): Outcome {
  return { kind: 'status', status, message };
}
