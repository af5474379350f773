/** `POST /api/v1` of an agent: what it runs, its files, and facts about itself. */
import {
  type AgentCall,
  type AgentResponse,
  type AgentResponseGetAgent,
  MESOS_VERSION,
  toTimeInfo,
  validateAgentCall,
} from '../api/index.js';
import { largeAgentAnswer } from './agent-v1-state.js';
import { operationsView } from './agent-views.js';
import { answerMessage, answerText } from './answers.js';
import { acceptedFormat, readCall } from './api-call.js';
import {
  type ContainerOutcome,
  answerStreamCall,
  isStreamCall,
  runContainerCall,
} from './container-api.js';
import { answerRecordsCall } from './container-input.js';
import { containersView } from './container-views.js';
import { fileInfos } from './file-routes.js';
import type { FileRefusal, VirtualFiles } from './files.js';
import type { Logger } from '../base/index.js';
import { metricList } from './master-api.js';
import type { LoggingLevel } from './logging-level.js';
import {
  JSON_TYPE,
  RECORDIO_TYPE,
  agentAnswerFormat,
  agentRequestFormat,
  isRecordStream,
} from './media.js';
import { type PageServer, answerPage } from './pages/answer-page.js';
import type { Exchange } from './routes.js';
import type { ServedAgent } from './served-agent.js';
import { sortedFigures } from './system-metrics.js';

export interface AgentApiOptions {
  readonly agent: ServedAgent;
  readonly log: Logger;
  readonly logging: LoggingLevel;
  readonly files: VirtualFiles;
  /** Makes and keeps the large answers. */
  readonly pages: PageServer;
  readonly flags: Readonly<Record<string, string>>;
  readonly metrics: () => ReadonlyMap<string, number>;
}

type Outcome = NonNullable<ContainerOutcome>;

/** Answers one request. The first check that fails answers: their order is part of the API. */
export async function answerAgentCall(options: AgentApiOptions, exchange: Exchange): Promise<void> {
  if (!options.agent.isRecovered) {
    answerText(exchange, 503, 'The agent has not finished its recovery: try again.');
    return;
  }
  if (isRecordStream(exchange.request.headers)) {
    await answerRecordsCall(options, exchange);
    return;
  }
  const call = await readCall(exchange, {
    message: 'AgentCall',
    label: 'agent::Call',
    validate: validateAgentCall,
    requestFormat: agentRequestFormat,
  });
  if (call === undefined) return;
  const { containers } = options.agent;
  if (containers !== undefined && isStreamCall(call)) {
    await answerStreamCall({ containers, log: options.log }, exchange, call);
    return;
  }
  const format = acceptedFormat(exchange, agentAnswerFormat);
  if (format === undefined) return;
  const pieces = largeAgentAnswer(call.type, format.contentType === JSON_TYPE);
  if (pieces !== undefined) {
    const { state } = options.agent;
    await answerPage(options.pages, exchange, {
      origin: state.agentId ?? 'agent',
      contentType: format.contentType,
      key: `${format.contentType} ${call.type}`,
      // An agent does not count what changes.
      version: () => undefined,
      pieces: () => pieces(state),
    });
    return;
  }
  const outcome = await run(options, exchange, call);
  if (outcome === undefined) return;
  if (outcome.kind === 'status') {
    answerText(exchange, outcome.status, outcome.message);
    return;
  }
  const body = format.encode('AgentResponse', outcome.response);
  await answerMessage(exchange, format.contentType, body);
}

async function run(
  options: AgentApiOptions,
  exchange: Exchange,
  call: AgentCall,
): Promise<ContainerOutcome> {
  const { containers } = options.agent;
  const done = containers && (await runContainerCall(containers, exchange, call));
  if (containers !== undefined && done !== 'other') return done;
  switch (call.type) {
    case 'LIST_FILES':
      return await listFiles(options.files, call.list_files?.path ?? '');
    case 'READ_FILE':
      return await readFile(options.files, call);
    case 'ATTACH_CONTAINER_INPUT':
      return {
        kind: 'status',
        status: 415,
        message: `ATTACH_CONTAINER_INPUT is sent as ${RECORDIO_TYPE}`,
      };
    case 'SET_LOGGING_LEVEL':
      return setLoggingLevel(options.logging, call);
    case 'PRUNE_IMAGES':
      // There are no images: nothing is kept that could be pruned.
      return { kind: 'status', status: 200, message: '' };
    default:
      return describeSelf(options, call) ?? describeRuns(options, exchange, call);
  }
}

/** Facts about the agent itself, if the call asks for one. */
function describeSelf(options: AgentApiOptions, call: AgentCall): Outcome | undefined {
  switch (call.type) {
    case 'GET_HEALTH':
      return respond({ type: 'GET_HEALTH', get_health: { healthy: true } });
    case 'GET_VERSION':
      return respond({
        type: 'GET_VERSION',
        get_version: { version_info: { version: MESOS_VERSION } },
      });
    case 'GET_FLAGS': {
      const flags = Object.entries(options.flags).map(([name, value]) => ({ name, value }));
      return respond({ type: 'GET_FLAGS', get_flags: { flags } });
    }
    case 'GET_METRICS': {
      const metrics = metricList(sortedFigures(options.metrics()));
      return respond({ type: 'GET_METRICS', get_metrics: { metrics } });
    }
    case 'GET_LOGGING_LEVEL':
      return respond({
        type: 'GET_LOGGING_LEVEL',
        get_logging_level: { level: options.logging.level },
      });
    case 'GET_AGENT':
      return respond({ type: 'GET_AGENT', get_agent: describeAgent(options.agent) });
    default:
      return undefined;
  }
}

function describeAgent({ agentInfo, state: { drain } }: ServedAgent): AgentResponseGetAgent {
  return {
    agent_info: agentInfo,
    drain_config: drain?.config,
    estimated_drain_start_time: drain && toTimeInfo(drain.startedMs),
  };
}

function describeRuns(options: AgentApiOptions, exchange: Exchange, call: AgentCall): Outcome {
  const { state } = options.agent;
  switch (call.type) {
    case 'GET_CONTAINERS': {
      const { show_nested, show_standalone } = call.get_containers ?? {};
      const containers = containersView(options.agent, exchange.world.clock.now(), {
        nested: show_nested === true,
        standalone: show_standalone === true,
      });
      return respond({ type: 'GET_CONTAINERS', get_containers: { containers } });
    }
    case 'GET_OPERATIONS':
      return respond({ type: 'GET_OPERATIONS', get_operations: operationsView(state) });
    case 'GET_RESOURCE_PROVIDERS':
      return respond({ type: 'GET_RESOURCE_PROVIDERS', get_resource_providers: {} });
    default:
      return {
        kind: 'status',
        status: 501,
        message: `This version of the agent does not implement ${call.type ?? 'the call'}.`,
      };
  }
}

function setLoggingLevel(logging: LoggingLevel, call: AgentCall): Outcome {
  const fault = call.set_logging_level && logging.set(call.set_logging_level);
  return { kind: 'status', status: fault === undefined ? 200 : 400, message: fault ?? '' };
}

async function listFiles(files: VirtualFiles, path: string): Promise<Outcome> {
  const listing = await files.browse(path);
  if (listing.kind === 'refused') return refused(listing);
  return respond({ type: 'LIST_FILES', list_files: { file_infos: fileInfos(listing.entries) } });
}

async function readFile(files: VirtualFiles, call: AgentCall): Promise<Outcome> {
  const { path = '', offset = 0n, length } = call.read_file ?? {};
  const bytes = length === undefined ? undefined : Number(length);
  const part = await files.read(path, Number(offset), bytes);
  if (part.kind === 'refused') return refused(part);
  const data = part.data.toString('base64');
  return respond({ type: 'READ_FILE', read_file: { size: BigInt(part.size), data } });
}

function respond(response: AgentResponse): Outcome {
  return { kind: 'response', response };
}

function refused({ status, message }: FileRefusal): Outcome {
  return { kind: 'status', status, message };
}
