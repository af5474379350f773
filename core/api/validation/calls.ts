/**
 * Calls of schedulers, executors and operators, as far as they can be judged without the state of a
 * cluster. The reason is meant to follow a prefix such as `Failed to validate scheduler::Call: `.
 * A call of type UNKNOWN passes: it is well-formed, and refused with 501 by whoever handles it.
 */
import type {
  AgentCall,
  AgentCallAttachContainerInput,
  AgentCallLaunchContainer,
  AgentCallType,
  ContainerID,
  ExecutorCall,
  FrameworkID,
  MasterCall,
  MasterCallType,
  SchedulerCall,
  SchedulerCallType,
  TaskStatus,
} from '../messages.js';
import { fieldRow } from '../schema/lookup.js';
import { validateCheckStatus } from './checks.js';
import { validateCommandInfo, validateContainerInfo } from './commands.js';
import { isUuidBytes, validateContainerId, validateId } from './ids.js';
import { type Reason, expected, within } from './reasons.js';

/**
 * Why a scheduler's call is not valid, or undefined. `principal` is who authenticated, if anybody.
 * FrameworkInfo is not looked into: its faults are told on the event stream.
 */
export function validateSchedulerCall(call: SchedulerCall, principal?: string): Reason {
  if (call.type === undefined) return expected('type');
  if (call.type === 'SUBSCRIBE') return subscribeFault(call, principal);
  if (call.framework_id === undefined) return expected('framework_id');
  const payload = schedulerPayloadFault(call, call.type);
  if (payload !== undefined) return payload;
  switch (call.type) {
    case 'ACKNOWLEDGE':
      return uuidFault(call.acknowledge?.uuid, 'acknowledge.uuid');
    case 'ACKNOWLEDGE_OPERATION_STATUS':
      return (
        uuidFault(call.acknowledge_operation_status?.uuid, 'acknowledge_operation_status.uuid') ??
        (call.acknowledge_operation_status?.agent_id === undefined
          ? expected('agent_id')
          : undefined)
      );
    case 'UPDATE_FRAMEWORK':
      return sameFrameworkFault(
        call.framework_id,
        call.update_framework?.framework_info.id,
        'update_framework.framework_info.id',
      );
    default:
      return undefined;
  }
}

function subscribeFault(call: SchedulerCall, principal: string | undefined): Reason {
  if (call.subscribe === undefined) return expected('subscribe');
  const info = call.subscribe.framework_info;
  if (principal !== undefined && info.principal !== undefined && info.principal !== principal) {
    return (
      `Authenticated principal '${principal}' does not match ` +
      `principal '${info.principal}' set in 'subscribe.framework_info'`
    );
  }
  return sameFrameworkFault(call.framework_id, info.id, 'subscribe.framework_info.id');
}

function sameFrameworkFault(
  outer: FrameworkID | undefined,
  inner: FrameworkID | undefined,
  field: string,
): Reason {
  if ((outer?.value ?? '') === (inner?.value ?? '')) return undefined;
  return `'framework_id' differs from '${field}'`;
}

/** Calls of a scheduler that may come without their payload. */
const PAYLOAD_FREE: ReadonlySet<SchedulerCallType> = new Set<SchedulerCallType>([
  'UNKNOWN',
  'TEARDOWN',
  'REVIVE',
  'SUPPRESS',
]);

function schedulerPayloadFault(call: SchedulerCall, type: SchedulerCallType): Reason {
  return PAYLOAD_FREE.has(type) ? undefined : payloadFault('SchedulerCall', call, type);
}

/** The payload of a call is the field that is called like its type, if there is one. */
function payloadFault(
  message: 'SchedulerCall' | 'ExecutorCall' | 'MasterCall' | 'AgentCall',
  call: object,
  type: string,
): Reason {
  const field = type.toLowerCase();
  if (fieldRow(message, field) === undefined) return undefined;
  const payload: unknown = Reflect.get(call, field);
  return payload === undefined ? expected(field) : undefined;
}

function uuidFault(uuid: string | undefined, field: string): Reason {
  if (uuid !== undefined && isUuidBytes(uuid)) return undefined;
  return `Not a valid UUID: '${field}' must be the 16 bytes of a UUID of version 1 to 5`;
}

/** Why an executor's call is not valid, or undefined. */
export function validateExecutorCall(call: ExecutorCall): Reason {
  if (call.type === undefined) return expected('type');
  return (
    validateId(call.executor_id.value, "'executor_id'") ??
    validateId(call.framework_id.value, "'framework_id'") ??
    payloadFault('ExecutorCall', call, call.type) ??
    (call.type === 'UPDATE' && call.update !== undefined
      ? updateFault(call.update.status, call.executor_id.value)
      : undefined)
  );
}

function updateFault(status: TaskStatus, executorId: string): Reason {
  if (status.uuid === undefined) return expected('update.status.uuid');
  const uuid = uuidFault(status.uuid, 'update.status.uuid');
  if (uuid !== undefined) return uuid;
  if (status.executor_id !== undefined && status.executor_id.value !== executorId) {
    return (
      `ExecutorID '${executorId}' of the call differs from ` +
      `'${status.executor_id.value}' in 'update.status.executor_id'`
    );
  }
  if (status.source !== 'SOURCE_EXECUTOR') return "'update.status.source' must be SOURCE_EXECUTOR";
  if (status.state === 'TASK_STAGING') return "'update.status.state' must not be TASK_STAGING";
  if (status.check_status === undefined) return undefined;
  return within(
    "'update.status.check_status' is not valid",
    validateCheckStatus(status.check_status),
  );
}

/** Why an operator's call to a master is not valid, or undefined. */
export function validateMasterCall(call: MasterCall): Reason {
  const type: MasterCallType | undefined = call.type;
  if (type === undefined) return expected('type');
  return payloadFault('MasterCall', call, type) ?? resizeFault(call);
}

/** Providers of resources, which are none of an agent's, are left out of these two alone. */
function resizeFault({ type, grow_volume: grow, shrink_volume: shrink }: MasterCall): Reason {
  if (type === 'GROW_VOLUME' && grow?.agent_id === undefined) {
    return expected('grow_volume.agent_id');
  }
  if (type === 'SHRINK_VOLUME' && shrink?.agent_id === undefined) {
    return expected('shrink_volume.agent_id');
  }
  return undefined;
}

/** Calls to an agent that may come without their payload. */
const AGENT_PAYLOAD_FREE: ReadonlySet<AgentCallType> = new Set<AgentCallType>([
  'GET_CONTAINERS',
  'PRUNE_IMAGES',
]);

/** Why an operator's call to an agent is not valid, or undefined. */
export function validateAgentCall(call: AgentCall): Reason {
  if (call.type === undefined) return expected('type');
  if (AGENT_PAYLOAD_FREE.has(call.type)) return undefined;
  return payloadFault('AgentCall', call, call.type) ?? containerCallFault(call, call.type);
}

function containerCallFault(call: AgentCall, type: AgentCallType): Reason {
  switch (type) {
    case 'LAUNCH_NESTED_CONTAINER':
      return launchFault(call.launch_nested_container, 'launch_nested_container', true);
    case 'LAUNCH_NESTED_CONTAINER_SESSION':
      return launchFault(
        call.launch_nested_container_session,
        'launch_nested_container_session',
        true,
      );
    case 'LAUNCH_CONTAINER':
      return launchFault(call.launch_container, 'launch_container', false);
    case 'WAIT_NESTED_CONTAINER':
      return nestedFault(call.wait_nested_container?.container_id, 'wait_nested_container');
    case 'KILL_NESTED_CONTAINER':
      return nestedFault(call.kill_nested_container?.container_id, 'kill_nested_container');
    case 'REMOVE_NESTED_CONTAINER':
      return nestedFault(call.remove_nested_container?.container_id, 'remove_nested_container');
    case 'WAIT_CONTAINER':
      return idFault(call.wait_container?.container_id, 'wait_container');
    case 'KILL_CONTAINER':
      return idFault(call.kill_container?.container_id, 'kill_container');
    case 'REMOVE_CONTAINER':
      return idFault(call.remove_container?.container_id, 'remove_container');
    case 'ATTACH_CONTAINER_OUTPUT':
      return idFault(call.attach_container_output?.container_id, 'attach_container_output');
    case 'ATTACH_CONTAINER_INPUT':
      return attachInputFault(call.attach_container_input);
    default:
      return undefined;
  }
}

function idFault(id: ContainerID | undefined, payload: string): Reason {
  if (id === undefined) return expected(`${payload}.container_id`);
  return within(`'${payload}.container_id' is not valid`, validateContainerId(id));
}

function nestedFault(id: ContainerID | undefined, payload: string): Reason {
  const reason = idFault(id, payload);
  if (reason !== undefined) return reason;
  return id?.parent === undefined ? expected(`${payload}.container_id.parent`) : undefined;
}

/** What the three calls that launch containers share. */
type Launch = Pick<AgentCallLaunchContainer, 'container_id' | 'command' | 'container'>;

function launchFault(launch: Launch | undefined, payload: string, isNested: boolean): Reason {
  const fault = isNested ? nestedFault : idFault;
  return (
    fault(launch?.container_id, payload) ??
    within(`'${payload}.command' is not valid`, validateCommandInfo(launch?.command)) ??
    within(`'${payload}.container' is not valid`, validateContainerInfo(launch?.container))
  );
}

function attachInputFault(attach: AgentCallAttachContainerInput | undefined): Reason {
  switch (attach?.type) {
    case 'CONTAINER_ID':
      return idFault(attach.container_id, 'attach_container_input');
    case 'PROCESS_IO':
      return attach.process_io === undefined
        ? expected('attach_container_input.process_io')
        : undefined;
    default:
      return expected('attach_container_input.type');
  }
}
