/** The calls of the operators' API of an agent that are about containers. */
import type { ContainerLaunch, NestedContainers } from '../agent/index.js';
import type { AgentCall, AgentResponse, CallAnswer, ContainerID } from '../api/index.js';
import type { Logger } from '../base/index.js';
import { answerText } from './answers.js';
import { streamOutput } from './container-output.js';
import { agentStreamForm } from './media.js';
import type { Exchange } from './routes.js';

/** What a call is answered with; undefined: it was answered, or the client has gone. */
export type ContainerOutcome =
  | { readonly kind: 'response'; readonly response: AgentResponse }
  | { readonly kind: 'status'; readonly status: number; readonly message: string }
  | undefined;

const SIGKILL = 9;

/** Whether the answer to a call is a stream. */
export function isStreamCall(call: AgentCall): boolean {
  return call.type === 'ATTACH_CONTAINER_OUTPUT' || call.type === 'LAUNCH_NESTED_CONTAINER_SESSION';
}

/** Makes a call about containers; `other`: it is about something else. */
export async function runContainerCall(
  containers: NestedContainers,
  exchange: Exchange,
  call: AgentCall,
): Promise<ContainerOutcome | 'other'> {
  switch (call.type) {
    case 'LAUNCH_NESTED_CONTAINER':
    case 'LAUNCH_CONTAINER': {
      const launch = call.launch_container ?? call.launch_nested_container;
      return launch && outcome(await containers.launch(toLaunch(launch)));
    }
    case 'WAIT_NESTED_CONTAINER':
      return wait(containers, exchange, {
        type: call.type,
        id: call.wait_nested_container?.container_id,
      });
    case 'WAIT_CONTAINER':
      return wait(containers, exchange, { type: call.type, id: call.wait_container?.container_id });
    case 'KILL_NESTED_CONTAINER':
    case 'KILL_CONTAINER': {
      const kill = call.kill_container ?? call.kill_nested_container;
      return kill && outcome(containers.kill(kill.container_id, kill.signal ?? SIGKILL));
    }
    case 'REMOVE_NESTED_CONTAINER':
    case 'REMOVE_CONTAINER': {
      const remove = call.remove_container ?? call.remove_nested_container;
      return remove && outcome(await containers.remove(remove.container_id));
    }
    default:
      return 'other';
  }
}

/** Answers LAUNCH_NESTED_CONTAINER_SESSION and ATTACH_CONTAINER_OUTPUT. */
export async function answerStreamCall(
  options: { readonly containers: NestedContainers; readonly log: Logger },
  exchange: Exchange,
  call: AgentCall,
): Promise<void> {
  const { containers, log } = options;
  const form = agentStreamForm(exchange.request.headers);
  if ('status' in form) {
    answerText(exchange, form.status, form.message);
    return;
  }
  const launch = call.launch_nested_container_session;
  const containerId = launch?.container_id ?? call.attach_container_output?.container_id;
  if (containerId === undefined) return;
  if (launch !== undefined) {
    const answer = await containers.launchSession(toLaunch(launch));
    if (answer.status !== 200) {
      answerText(exchange, answer.status, answer.message ?? '');
      return;
    }
  }
  const onLost = (): void => {
    if (launch !== undefined) containers.abandon(containerId);
  };
  const session = await containers.attach(containerId);
  if ('status' in session) {
    answerText(exchange, session.status, session.message ?? '');
  } else if (session.isCrowded) {
    answerText(exchange, 503, 'Too many readers are attached to the container: try again later.');
  } else if (exchange.response.destroyed) onLost();
  else streamOutput({ exchange, log, form, session, isOwn: launch !== undefined, onLost });
}

function toLaunch(launch: LaunchMessage): ContainerLaunch {
  const { container_id: containerId, command, container, resources } = launch;
  return { containerId, command, container, resources };
}

/** What the calls that launch have in common. */
interface LaunchMessage {
  readonly container_id: ContainerID;
  readonly command?: ContainerLaunch['command'];
  readonly container?: ContainerLaunch['container'];
  readonly resources?: ContainerLaunch['resources'];
}

async function wait(
  containers: NestedContainers,
  exchange: Exchange,
  call: {
    readonly type: 'WAIT_CONTAINER' | 'WAIT_NESTED_CONTAINER';
    readonly id: ContainerID | undefined;
  },
): Promise<ContainerOutcome> {
  const awaited = call.id && containers.wait(call.id);
  if (awaited === undefined) {
    return {
      kind: 'status',
      status: 404,
      message: `There is no container ${call.id?.value ?? ''}.`,
    };
  }
  const gone = new Promise<undefined>((resolve) => {
    exchange.response.once('close', () => resolve(undefined));
  });
  const exit = await Promise.race([awaited.exit, gone]);
  awaited.forget();
  if (exit === undefined) return undefined;
  const { status: exit_status, message } = exit;
  const answer = { exit_status, message };
  const response: AgentResponse =
    call.type === 'WAIT_CONTAINER'
      ? { type: call.type, wait_container: answer }
      : { type: call.type, wait_nested_container: answer };
  return { kind: 'response', response };
}

function outcome({ status, message }: CallAnswer): ContainerOutcome {
  return { kind: 'status', status, message: message ?? '' };
}
