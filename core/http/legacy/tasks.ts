/** Tasks as the pages from before the v1 API show them. */
import {
  type ContainerStatus,
  type NetworkInfo,
  type Resource,
  type Task,
  type TaskStatus,
  encodeJson,
} from '../../api/index.js';
import { Resources, fromThousandths, legacyObject, toThousandths } from '../../resources/index.js';
import { keptTextBytes, quotedText, valueText } from './json-text.js';

/** The text of one task. A message is replaced when its task changes, so each version is made once. */
export const taskBytes = keptTextBytes(taskText);

/**
 * The same, made anew. There may be hundreds of thousands of tasks, each with several statuses: what all of them have is put
 * together by hand, and the general way is left for what few have.
 */
export function taskText(task: Task): string {
  const { resources = [] } = task;
  const role = resources.find(({ allocation_info }) => allocation_info?.role !== undefined);
  let text = `{"id":${quotedText(task.task_id.value)},"name":${quotedText(task.name)}`;
  text += `,"framework_id":${quotedText(task.framework_id.value)}`;
  text += `,"executor_id":${quotedText(task.executor_id?.value ?? '')}`;
  text += `,"slave_id":${quotedText(task.agent_id.value)},"state":"${task.state}"`;
  text += `,"resources":${scalarsText(resources) ?? valueText(legacyObject(Resources.fromWire(resources)))}`;
  if (role !== undefined) text += `,"role":${quotedText(role.allocation_info?.role ?? '')}`;
  if (task.user !== undefined) text += `,"user":${quotedText(task.user)}`;
  text += ',"statuses":[';
  let separator = '';
  for (const status of task.statuses ?? []) {
    text += separator + statusText(status);
    separator = ',';
  }
  return `${text}]${rareMembers(task)}}`;
}

/** Members that few tasks have, each after a comma. */
function rareMembers(task: Task): string {
  const { labels, discovery, container, health_check, kill_policy } = task;
  let text = '';
  if (labels?.labels !== undefined) text += `,"labels":${valueText(labels.labels)}`;
  if (discovery) text += `,"discovery":${encodeJson('DiscoveryInfo', discovery)}`;
  if (container) text += `,"container":${encodeJson('ContainerInfo', container)}`;
  if (health_check) text += `,"health_check":${encodeJson('HealthCheck', health_check)}`;
  if (kill_policy) text += `,"kill_policy":${encodeJson('KillPolicy', kill_policy)}`;
  return text;
}

const ALWAYS_SHOWN = ['disk', 'mem', 'gpus', 'cpus'] as const;

/** The object form of amounts that are all plain numbers of the usual names; undefined: they are not. */
function scalarsText(resources: readonly Resource[]): string | undefined {
  const amounts = { disk: 0, mem: 0, gpus: 0, cpus: 0 };
  for (const { name, scalar, revocable, shared } of resources) {
    const isUsual = name === 'disk' || name === 'mem' || name === 'gpus' || name === 'cpus';
    if (!isUsual || scalar === undefined || revocable !== undefined || shared !== undefined) {
      return undefined;
    }
    amounts[name] += toThousandths(scalar.value);
  }
  const members = ALWAYS_SHOWN.map((name) => `"${name}":${fromThousandths(amounts[name])}`);
  return `{${members.join(',')}}`;
}

function statusText(status: TaskStatus): string {
  const { state, timestamp, labels, container_status, healthy } = status;
  let text = `{"state":"${state}"`;
  if (timestamp !== undefined) text += `,"timestamp":${timestamp}`;
  if (labels !== undefined) text += `,"labels":${valueText(labels.labels ?? [])}`;
  if (container_status !== undefined) {
    const usual = usualContainerText(container_status);
    text += `,"container_status":${usual ?? containerStatusText(container_status)}`;
  }
  if (healthy !== undefined) text += `,"healthy":${healthy}`;
  return `${text}}`;
}

/** Without the pid, which pages of Mesos do not show. */
function containerStatusText(status: ContainerStatus): string {
  const { executor_pid: _pid, ...shown } = status;
  return encodeJson('ContainerStatus', shown);
}

/** The text of a container of which the id and addresses alone are known; undefined: there is more. */
function usualContainerText(status: ContainerStatus): string | undefined {
  const { container_id, network_infos = [], cgroup_info } = status;
  if (cgroup_info !== undefined || container_id === undefined) return undefined;
  if (container_id.parent !== undefined || network_infos.length !== 1) return undefined;
  const [network] = network_infos;
  const [address, second] = network?.ip_addresses ?? [];
  if (network === undefined || address === undefined || second !== undefined) return undefined;
  if (hasMoreThanAddresses(network)) return undefined;
  const { protocol, ip_address } = address;
  if (protocol === undefined || ip_address === undefined) return undefined;
  const shown = `{"protocol":"${protocol}","ip_address":${quotedText(ip_address)}}`;
  const id = quotedText(container_id.value);
  return `{"container_id":{"value":${id}},"network_infos":[{"ip_addresses":[${shown}]}]}`;
}

function hasMoreThanAddresses({ name, groups, labels, port_mappings }: NetworkInfo): boolean {
  const isBare = name === undefined && groups === undefined;
  return !isBare || labels !== undefined || port_mappings !== undefined;
}

/** Every state that the summary counts, in its order. */
export const SUMMARY_STATES = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_FINISHED',
  'TASK_KILLED',
  'TASK_FAILED',
  'TASK_LOST',
  'TASK_ERROR',
  'TASK_UNREACHABLE',
] as const;

/** How many tasks there are of each state. */
export class StateCounts {
  readonly #counts = new Map<string, number>();

  add(state: string): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + 1);
  }

  /** Members of an object: one for each state of the summary. */
  members(): Record<string, string> {
    return Object.fromEntries(
      SUMMARY_STATES.map((state) => [state, String(this.#counts.get(state) ?? 0)]),
    );
  }
}
