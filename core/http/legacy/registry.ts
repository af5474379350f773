/**
 * The page `/registrar(1)/registry`: what the registry of the master holds, in the shape in which Mesos
 * shows its own. What Mesos does not record, the frameworks, stands beside it.
 */
import {
  type MachineInfo,
  type MaintenanceWindow,
  type MasterInfo,
  type QuotaConfig,
  type RegistryAgent,
  type RegistryFramework,
  encodeJson,
  toTimeInfo,
} from '../../api/index.js';
import type { StoreEntry } from '../../base/index.js';
import { type Deactivation, readContents } from '../../master/index.js';
import { listPieces, objectText, rendered, valueText } from './json-text.js';

/** All records of a registry, in the order of their keys. */
class Records {
  readonly agents: RegistryAgent[] = [];
  readonly deactivations = new Map<string, Deactivation>();
  readonly frameworks: RegistryFramework[] = [];
  readonly machines: MachineInfo[] = [];
  readonly windows: MaintenanceWindow[] = [];
  readonly weights: { readonly role: string; readonly weight: number }[] = [];
  readonly quotas: QuotaConfig[] = [];

  add(entry: StoreEntry): void {
    const one = readContents([entry]);
    this.agents.push(...one.agents.values());
    for (const [agentId, deactivation] of one.deactivations) {
      this.deactivations.set(agentId, deactivation);
    }
    this.frameworks.push(...one.frameworks.values());
    this.machines.push(...one.machines);
    this.windows.push(...one.windows);
    for (const [role, weight] of one.weights) this.weights.push({ role, weight });
    this.quotas.push(...one.quotas.values());
  }
}

/** The text of the page, from the records as they were read at one moment. */
export function* registryPage(info: MasterInfo, entries: readonly StoreEntry[]): Generator<string> {
  const records = new Records();
  for (const entry of entries) {
    records.add(entry);
    yield '';
  }
  yield `{"master":${objectText({ info: encodeJson('MasterInfo', info) })}`;
  const { agents, deactivations, machines, windows, weights, quotas, frameworks } = records;
  const inState = (state: RegistryAgent['state']): readonly RegistryAgent[] =>
    agents.filter((agent) => agent.state === state);
  const deactivation = (agent: RegistryAgent): ReturnType<typeof deactivationMembers> =>
    deactivationMembers(deactivations.get(agent.agent_info.id?.value ?? ''));
  const admitted = (agent: RegistryAgent): string =>
    objectText({ info: encodeJson('AgentInfo', agent.agent_info), ...deactivation(agent) });
  const absent = (agent: RegistryAgent): string =>
    objectText({ ...absentMembers(agent), ...deactivation(agent) });
  yield* nested('slaves', 'slaves', rendered(inState('ADMITTED'), admitted));
  yield* nested('machines', 'machines', rendered(machines, machineText));
  if (windows.length > 0) yield `,"schedules":[${encodeJson('MaintenanceSchedule', { windows })}]`;
  yield* listed(
    'weights',
    rendered(weights, (weight) => objectText({ info: valueText(weight) })),
  );
  yield* nested('unreachable', 'slaves', rendered(inState('UNREACHABLE'), absent));
  yield* nested('gone', 'slaves', rendered(inState('GONE'), absent));
  yield* listed(
    'quota_configs',
    rendered(quotas, (quota) => encodeJson('QuotaConfig', quota)),
  );
  yield* listed(
    'frameworks',
    rendered(frameworks, (one) => encodeJson('RegistryFramework', one)),
  );
  yield '}';
}

function machineText(info: MachineInfo): string {
  return objectText({ info: encodeJson('MachineInfo', info) });
}

function absentMembers({ agent_info: { id }, since = 0 }: RegistryAgent): Record<string, string> {
  return {
    id: valueText({ value: id?.value ?? '' }),
    timestamp: encodeJson('TimeInfo', toTimeInfo(since * 1000)),
  };
}

function deactivationMembers(
  deactivation: Deactivation | undefined,
): Readonly<Record<string, string | undefined>> {
  if (deactivation === undefined) return {};
  const drain = deactivation.drain?.info;
  return { drain_info: drain && encodeJson('DrainInfo', drain), deactivated: 'true' };
}

/** A list below a name of its own; left out when it is empty, as Mesos does. */
function* nested(name: string, of: string, items: Generator<string>): Generator<string> {
  const first = items.next();
  if (first.done === true) return;
  yield `,"${name}":{"${of}":`;
  yield* listPieces(withFirst(first.value, items));
  yield '}';
}

function* listed(name: string, items: Generator<string>): Generator<string> {
  const first = items.next();
  if (first.done === true) return;
  yield `,"${name}":`;
  yield* listPieces(withFirst(first.value, items));
}

function* withFirst(first: string, others: Iterable<string>): Generator<string> {
  yield first;
  yield* others;
}
