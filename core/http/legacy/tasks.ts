/** Tasks as the pages from before the v1 API show them. */
import {
  type ContainerStatus,
  type Label,
  type NetworkInfo,
  type Resource,
  type Task,
  type TaskStatus,
  encodeJson,
} from '../../api/index.js';
import { Resources, fromThousandths, legacyObject, toThousandths } from '../../resources/index.js';
import type { TextPiece } from '../pages/text-store.js';
import { keptText, keptWithin, quotedText, repeatedText, valueText } from './json-text.js';

/**
 * Gives the texts of the tasks of one framework. A message is replaced when its task changes, so each
 * version is made once. Each framework has a table of its own: one for all tasks would be so large that
 * looking things up in it, and making it larger, takes long.
 */
export const taskTextsOf: (framework: object) => (task: Task) => TextPiece = keptWithin(() =>
  keptText(taskText),
);

// What tasks that come one after the other have mostly in common.
const frameworkIdText = repeatedText();
const executorIdText = repeatedText();
const agentIdText = repeatedText();
const roleText = repeatedText();
const userText = repeatedText();

/**
 * The same, made anew. There may be hundreds of thousands of tasks, each with several statuses: what all of them have is put
 * together by hand and in few steps, and the general way is left for what few have.
 */
export function taskText(task: Task): string {
  const { resources = [], user, statuses = [] } = task;
  const role = resources.find(({ allocation_info }) => allocation_info?.role !== undefined);
  const shownRole = role && `,"role":${roleText(role.allocation_info?.role ?? '')}`;
  const shownUser = user === undefined ? '' : `,"user":${userText(user)}`;
  let text = `{"id":${quotedText(task.task_id.value)},"name":${quotedText(task.name)},"framework_id":${frameworkIdText(task.framework_id.value)},"executor_id":${executorIdText(task.executor_id?.value ?? '')},"slave_id":${agentIdText(task.agent_id.value)},"state":"${task.state}","resources":${amountsText(resources)}${shownRole ?? ''}${shownUser},"statuses":[`;
  let separator = '';
  for (const status of statuses) {
    text += separator + statusText(status);
    separator = ',';
  }
  return `${text}]${rareMembers(task)}}`;
}

/** Members that not all tasks have, each after a comma. */
function rareMembers(task: Task): string {
  const { labels, discovery, container, health_check, kill_policy } = task;
  let text = '';
  if (labels?.labels !== undefined) text += `,"labels":${labelsText(labels.labels)}`;
  if (discovery) text += `,"discovery":${encodeJson('DiscoveryInfo', discovery)}`;
  if (container) text += `,"container":${encodeJson('ContainerInfo', container)}`;
  if (health_check) text += `,"health_check":${encodeJson('HealthCheck', health_check)}`;
  if (kill_policy) text += `,"kill_policy":${encodeJson('KillPolicy', kill_policy)}`;
  return text;
}

function labelsText(labels: readonly Label[]): string {
  let text = '[';
  let separator = '';
  for (const { key, value } of labels) {
    const shownValue = value === undefined ? '' : `,"value":${quotedText(value)}`;
    text += `${separator}{"key":${quotedText(key)}${shownValue}}`;
    separator = ',';
  }
  return `${text}]`;
}

function amountsText(resources: readonly Resource[]): string {
  return scalarsText(resources) ?? valueText(legacyObject(Resources.fromWire(resources)));
}

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
  const { disk, mem, gpus, cpus } = amounts;
  const last = lastAmounts;
  if (last.disk !== disk || last.mem !== mem || last.gpus !== gpus || last.cpus !== cpus) {
    const shown = ([name, value]: [string, number]): string =>
      `"${name}":${fromThousandths(value)}`;
    const text = `{${Object.entries(amounts).map(shown).join(',')}}`;
    lastAmounts = { ...amounts, text };
  }
  return lastAmounts.text;
}

/** Most tasks want what the one before them wants. */
let lastAmounts = { disk: -1, mem: -1, gpus: -1, cpus: -1, text: '' };

function statusText(status: TaskStatus): string {
  const { state, timestamp, labels, container_status, healthy } = status;
  const shownTime = timestamp === undefined ? '' : `,"timestamp":${timestamp}`;
  const shownLabels = labels === undefined ? '' : `,"labels":${labelsText(labels.labels ?? [])}`;
  const shownHealth = healthy === undefined ? '' : `,"healthy":${healthy}`;
  return `{"state":"${state}"${shownTime}${shownLabels}${containerMember(container_status)}${shownHealth}}`;
}

function containerMember(status: ContainerStatus | undefined): string {
  if (status === undefined) return '';
  return usualContainerMember(status) ?? `,"container_status":${containerStatusText(status)}`;
}

/** Without the pid, which pages of Mesos do not show. */
function containerStatusText(status: ContainerStatus): string {
  const { executor_pid: _pid, ...shown } = status;
  return encodeJson('ContainerStatus', shown);
}

/** For a container of which the id and one address alone are known; undefined: there is more. */
function usualContainerMember(status: ContainerStatus): string | undefined {
  const { container_id, network_infos = [], cgroup_info } = status;
  if (cgroup_info !== undefined || container_id === undefined) return undefined;
  if (container_id.parent !== undefined || network_infos.length !== 1) return undefined;
  const [network] = network_infos;
  const [address, second] = network?.ip_addresses ?? [];
  if (network === undefined || address === undefined || second !== undefined) return undefined;
  if (hasMoreThanAddresses(network)) return undefined;
  const { protocol, ip_address } = address;
  if (protocol === undefined || ip_address === undefined) return undefined;
  return `,"container_status":{"container_id":{"value":${quotedText(container_id.value)}},"network_infos":${networksText(protocol, ip_address)}}`;
}

function networksText(protocol: string, address: string): string {
  if (lastNetworks.protocol !== protocol || lastNetworks.address !== address) {
    const shown = `{"protocol":"${protocol}","ip_address":${quotedText(address)}}`;
    lastNetworks = { protocol, address, text: `[{"ip_addresses":[${shown}]}]` };
  }
  return lastNetworks.text;
}

/** Tasks of one agent often share its address. */
let lastNetworks = { protocol: '', address: '', text: '' };

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
